// SPDX-License-Identifier: MIT
// Medians of rounds, and ratios inside of them.

#include "bench_statistics.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace pollux_tool::bench;

TEST_SUITE("tools/bench_statistics") {
    TEST_CASE("spread_of: the middle of the sorted values, or between the two in the middle") {
        const auto odd = spread_of({30, 10, 20});
        CHECK(odd.median == 20);
        CHECK(odd.deviation == 10);
        CHECK(odd.least == 10);
        CHECK(odd.most == 30);
        const auto even = spread_of({1, 4, 2, 10});
        CHECK(even.median == 3);
        CHECK(even.deviation == 1.5);  // of 2, 1, 1, 7
        const auto one = spread_of({5});
        CHECK(one.median == 5);
        CHECK(one.deviation == 0);
    }

    TEST_CASE("spread_of: one stray round moves neither median nor deviation") {
        const auto calm = spread_of({10, 11, 12, 13, 14});
        const auto stray = spread_of({10, 11, 12, 13, 1'000'000});
        CHECK(stray.median == calm.median);
        CHECK(stray.deviation == calm.deviation);
    }

    TEST_CASE("ratio_of: the median of the ratios, not the ratio of the medians") {
        const auto ratio = ratio_of(std::vector<double>{1, 2, 30}, std::vector<double>{1, 4, 10});
        REQUIRE(ratio.has_value());
        CHECK(ratio->median == 1);  // of 1, 0.5, 3; the medians have 0.5
        CHECK(ratio->least == 0.5);
        CHECK(ratio->most == 3);
    }

    TEST_CASE("ratio_of: none without rounds, of unlike numbers of rounds, or to zero") {
        CHECK_FALSE(ratio_of(std::vector<double>{}, std::vector<double>{}).has_value());
        CHECK_FALSE(ratio_of(std::vector<double>{1, 2}, std::vector<double>{1}).has_value());
        CHECK_FALSE(ratio_of(std::vector<double>{1, 2}, std::vector<double>{1, 0}).has_value());
        CHECK(ratio_of(std::vector<double>{0}, std::vector<double>{1}).has_value());
    }
}
