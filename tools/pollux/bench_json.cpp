// SPDX-License-Identifier: MIT
// Reading and writing of JSON files, see bench_json.hpp.

#include "bench_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

namespace pollux_tool::bench {

namespace json = boost::json;

json::value read_json(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    // A directory can be opened, and gives an error when it is read.
    if (file) text << file.rdbuf();
    if (!file || errno == EISDIR) {
        throw input_error(fmt::format("{}: cannot be read: {}", path, std::generic_category().message(errno)));
    }
    json::stream_parser parser;
    const std::string all = text.str();
    std::size_t line = 1;
    for (auto from = all.begin(); from != all.end(); ++line) {
        const auto to = std::find(from, all.end(), '\n');
        const auto end = to == all.end() ? to : std::next(to);
        json::error_code error;
        parser.write(&*from, static_cast<std::size_t>(end - from), error);
        if (error) throw input_error(fmt::format("{}:{}: no JSON: {}", path, line, error.message()));
        from = end;
    }
    json::error_code error;
    parser.finish(error);
    if (error) throw input_error(fmt::format("{}:{}: no JSON: {}", path, line, error.message()));
    return parser.release();
}

// ------------------------------------------------------------------------------------------------------------------
// Writing

namespace {

bool is_plain(const json::value& value) { return !value.is_structured(); }

template <class List>
bool holds_plain(const List& list) {
    return std::all_of(list.begin(), list.end(), [](const auto& it) {
        if constexpr (requires { it.value(); })
            return is_plain(it.value());
        else
            return is_plain(it);
    });
}

void write(std::string& out, const json::value& value, std::size_t depth);

template <class List, class Write>
void write_list(std::string& out, const List& list, char open, char close, std::size_t depth, Write write_one) {
    const bool one_line = holds_plain(list);
    out += open;
    bool is_first = true;
    for (const auto& it : list) {
        if (!is_first) out += one_line ? ", " : ",";
        is_first = false;
        if (!one_line) out += '\n' + std::string(depth + 1, ' ');
        write_one(it);
    }
    if (!one_line) out += '\n' + std::string(depth, ' ');
    out += close;
}

void write(std::string& out, const json::value& value, std::size_t depth) {
    if (const auto* object = value.if_object()) {
        write_list(out, *object, '{', '}', depth, [&](const json::key_value_pair& it) {
            out += json::serialize(json::string(it.key())) + ": ";
            write(out, it.value(), depth + 1);
        });
    } else if (const auto* list = value.if_array()) {
        write_list(out, *list, '[', ']', depth, [&](const json::value& it) { write(out, it, depth + 1); });
    } else if (const auto* number = value.if_double()) {
        // Boost writes 1.5E0, and JSON has no word for what is no number.
        if (std::isfinite(*number))
            fmt::format_to(std::back_inserter(out), "{}", *number);
        else
            out += "null";
    } else {
        out += json::serialize(value);
    }
}

}  // namespace

std::string to_text(const json::value& value) {
    std::string out;
    write(out, value, 0);
    out += '\n';
    return out;
}

// ------------------------------------------------------------------------------------------------------------------
// Reading

void json_place::fail(std::string_view problem) const { throw input_error(fmt::format("{}: {}", place_, problem)); }

std::string json_place::text() const {
    if (!value_.is_string() || value_.get_string().empty()) fail("not a string, or an empty one");
    return std::string(std::string_view(value_.get_string()));
}

double json_place::number() const {
    if (!value_.is_number()) fail("not a number");
    return value_.to_number<double>();
}

std::size_t json_place::count() const {
    json::error_code error;
    const auto out = value_.is_int64() || value_.is_uint64() ? value_.to_number<std::size_t>(error) : 0;
    if (error || out == 0) fail("not a whole number of at least 1");
    return out;
}

bool json_place::flag() const {
    if (!value_.is_bool()) fail("neither true nor false");
    return value_.get_bool();
}

std::vector<json_place> json_place::list() const {
    if (!value_.is_array()) fail("not a list");
    std::vector<json_place> out;
    for (const auto& it : value_.get_array()) out.emplace_back(it, fmt::format("{}[{}]", place_, out.size() + 1));
    return out;
}

std::vector<std::string> json_place::texts() const {
    std::vector<std::string> out;
    for (const auto& it : list()) out.push_back(it.text());
    return out;
}

std::vector<std::size_t> json_place::counts() const {
    std::vector<std::size_t> out;
    for (const auto& it : list()) out.push_back(it.count());
    return out;
}

std::vector<double> json_place::numbers() const {
    std::vector<double> out;
    for (const auto& it : list()) out.push_back(it.number());
    return out;
}

std::vector<std::pair<std::string, json_place>> json_place::members() const {
    if (!value_.is_object()) fail("not an object");
    std::vector<std::pair<std::string, json_place>> out;
    for (const auto& it : value_.get_object()) {
        std::string key(std::string_view(it.key()));
        json_place member(it.value(), fmt::format("{}: {}", place_, key));
        out.emplace_back(std::move(key), std::move(member));
    }
    return out;
}

std::optional<json_place> json_place::find(std::string_view key) const {
    if (!value_.is_object()) fail("not an object");
    const auto* found = value_.get_object().if_contains(key);
    if (found == nullptr) return std::nullopt;
    return json_place(*found, fmt::format("{}: {}", place_, key));
}

json_place json_place::operator[](std::string_view key) const {
    auto found = find(key);
    if (!found) fail(fmt::format("no `{}`", key));
    return *std::move(found);
}

void json_place::allow_only(const std::vector<std::string_view>& keys) const {
    for (const auto& [key, member] : members()) {
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
            member.fail(fmt::format("unknown; the keys here are {}", fmt::join(keys, " ")));
        }
    }
}

}  // namespace pollux_tool::bench
