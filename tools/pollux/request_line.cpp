// SPDX-License-Identifier: MIT
// The grammar of a request. See the header.

#include "request_line.hpp"

#include <fmt/core.h>

#include <charconv>
#include <limits>
#include <optional>
#include <system_error>

namespace pollux_tool {

namespace {

// from_chars for an unsigned number takes digits only: no sign, no space.
std::optional<std::uint64_t> number_in(std::string_view digits, std::uint64_t most) {
    std::uint64_t out = 0;
    const auto* const end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, out);
    if (error != std::errc() || at != end || out > most) return std::nullopt;
    return out;
}

std::unexpected<std::string> wants(std::string_view word, std::string_view what, std::uint64_t most) {
    return std::unexpected(fmt::format("{} takes {} from 0 to {}, in digits after one space", word, what, most));
}

}  // namespace

std::expected<request, std::string> parse_request(std::string_view line, std::uint64_t max_body) {
    const auto space = line.find(' ');
    const auto word = line.substr(0, space);
    const auto rest = space == line.npos ? std::string_view() : line.substr(space + 1);
    if (word == "sum") {
        if (const auto bytes = number_in(rest, max_body)) return sum_request{*bytes};
        return wants(word, "a number of bytes", max_body);
    }
    if (word == "prime") {
        constexpr auto most = std::numeric_limits<std::uint64_t>::max();
        if (const auto number = number_in(rest, most)) return prime_request{*number};
        return wants(word, "a number", most);
    }
    if (word == "sleep") {
        constexpr auto most = static_cast<std::uint64_t>(longest_sleep.count());
        if (const auto time = number_in(rest, most)) return sleep_request{std::chrono::milliseconds(*time)};
        return wants(word, "milliseconds", most);
    }
    if (line == "stats") return stats_request();
    if (word == "stats") return std::unexpected("stats takes nothing after it");
    return std::unexpected("unknown request; there are sum <n>, prime <n>, sleep <ms> and stats");
}

}  // namespace pollux_tool
