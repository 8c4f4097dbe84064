// SPDX-License-Identifier: MIT
// The requests of `pollux serve`: from a line to what it asks for, or to what is wrong with it. Pure, any thread.

#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

namespace pollux_tool {

struct sum_request {
    std::uint64_t bytes;  // of the body, which follows the line
};
struct prime_request {
    std::uint64_t number;
};
struct sleep_request {
    std::chrono::milliseconds time;
};
struct stats_request {};

using request = std::variant<sum_request, prime_request, sleep_request, stats_request>;

/// The longest that a client may have the server sleep.
inline constexpr std::chrono::milliseconds longest_sleep = std::chrono::seconds(60);

/// `line` is without its end. A word, and if it takes a number one space and decimal digits, nothing else. What is wrong is said in
/// one line that holds nothing of the client's bytes.
std::expected<request, std::string> parse_request(std::string_view line, std::uint64_t max_body);

}  // namespace pollux_tool
