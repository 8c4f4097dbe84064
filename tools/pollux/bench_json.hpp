// SPDX-License-Identifier: MIT
// JSON files as `pollux bench` reads and writes them: objects whose every key is asked for, errors that name file, entry and
// key, and a layout that a person can read and compare. Boost.JSON is used here and by those who build values.
#pragma once

#include "bench.hpp"

#include <boost/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pollux_tool::bench {

/// The value in a file. Throws: input_error if it cannot be read, or is no JSON.
boost::json::value read_json(const std::string& path);

/// With line ends and indents; an object or a list of plain values is one line.
std::string to_text(const boost::json::value& value);

/// A value of a file, and where it stands. Throws: input_error, from every function, if it is something else than what is
/// asked for.
class json_place {
public:
    json_place(const boost::json::value& value, std::string place) : value_(value), place_(std::move(place)) {}

    std::string text() const;
    double number() const;
    std::size_t count() const;  // a whole number, at least 1
    bool flag() const;
    bool is_text() const { return value_.is_string(); }
    bool is_list() const { return value_.is_array(); }

    std::vector<json_place> list() const;
    std::vector<std::string> texts() const;
    std::vector<std::size_t> counts() const;
    std::vector<double> numbers() const;
    std::vector<std::pair<std::string, json_place>> members() const;

    json_place operator[](std::string_view key) const;
    std::optional<json_place> find(std::string_view key) const;
    /// Every key has to be one of `keys`, so that a slip is no silent default.
    void allow_only(const std::vector<std::string_view>& keys) const;

    /// The same value under a name that a reader knows it by.
    json_place named(const std::string& name) const { return {value_, place_ + " (" + name + ")"}; }
    [[noreturn]] void fail(std::string_view problem) const;

private:
    const boost::json::value& value_;
    std::string place_;
};

}  // namespace pollux_tool::bench
