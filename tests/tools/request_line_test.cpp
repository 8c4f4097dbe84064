// SPDX-License-Identifier: MIT
// What is a request and what is not. serve_requests_test.py has more of those that are not.

#include "request_line.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>

using pollux_tool::parse_request;

namespace {

constexpr std::uint64_t max_body = 1000;

// What is wrong with it; empty: nothing.
std::string wrong_with(std::string_view line) {
    const auto parsed = parse_request(line, max_body);
    return parsed ? std::string() : parsed.error();
}

}  // namespace

TEST_SUITE("tools/request_line") {
    TEST_CASE("parse_request: each request with its number") {
        const auto sum = parse_request("sum 1000", max_body);
        REQUIRE(sum);
        CHECK(std::get<pollux_tool::sum_request>(*sum).bytes == 1000);
        const auto prime = parse_request("prime 18446744073709551615", max_body);
        REQUIRE(prime);
        CHECK(std::get<pollux_tool::prime_request>(*prime).number == std::numeric_limits<std::uint64_t>::max());
        const auto sleep = parse_request("sleep 60000", max_body);
        REQUIRE(sleep);
        CHECK(std::get<pollux_tool::sleep_request>(*sleep).time == std::chrono::minutes(1));
        const auto stats = parse_request("stats", max_body);
        REQUIRE(stats);
        CHECK(std::holds_alternative<pollux_tool::stats_request>(*stats));
    }

    TEST_CASE("parse_request: a number has digits, leading zeros too, and nothing else") {
        CHECK(wrong_with("prime 007") == "");
        for (const auto* line : {"prime", "prime ", "prime  7", "prime 7 ", "prime -7", "prime +7", "prime 7x",
                                 "prime 0x7", "prime 7 7"}) {
            CAPTURE(line);
            CHECK(wrong_with(line) == "prime takes a number from 0 to 18446744073709551615, in digits after one space");
        }
    }

    TEST_CASE("parse_request: one more than the limit is refused") {
        CHECK(wrong_with("sum 1001") == "sum takes a number of bytes from 0 to 1000, in digits after one space");
        CHECK(wrong_with("sleep 60001") == "sleep takes milliseconds from 0 to 60000, in digits after one space");
        CHECK(wrong_with("prime 18446744073709551616").starts_with("prime takes"));
    }

    TEST_CASE("parse_request: other lines are refused without a byte of theirs") {
        for (const std::string_view line : {"", " ", "PRIME 7", "primes 7", "prime\t7", "\x1b[31m"}) {
            CAPTURE(line);
            CHECK(wrong_with(line) == "unknown request; there are sum <n>, prime <n>, sleep <ms> and stats");
        }
        CHECK(wrong_with("stats 1") == "stats takes nothing after it");
        CHECK(wrong_with("stats ") == "stats takes nothing after it");
    }
}
