// SPDX-License-Identifier: MIT
#include "scheduler/report_limit.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace std::chrono_literals;
using pollux::v0::detail::report_limit;

TEST_SUITE("scheduler/report_limit") {
    TEST_CASE("ten at once, then one a second; what is left out is counted until somebody asks") {
        report_limit limit;
        const report_limit::time_point start{1h};
        for (int i = 0; i != 10; ++i) CHECK(limit.admits(start));
        CHECK(!limit.admits(start));
        CHECK(!limit.admits(start + 999ms));
        CHECK(limit.admits(start + 1s));
        CHECK(limit.take_left_out() == 2);
        CHECK(limit.take_left_out() == 0);
        CHECK(!limit.admits(start + 1999ms));
        CHECK(limit.admits(start + 2s));
        CHECK(limit.take_left_out() == 1);
    }

    TEST_CASE("after a silence there may be ten at once again, and no more") {
        report_limit limit;
        const report_limit::time_point start{1h};
        for (int i = 0; i != 10; ++i) CHECK(limit.admits(start));
        for (int i = 0; i != 3; ++i) CHECK(limit.admits(start + 3500ms));
        CHECK(!limit.admits(start + 3500ms));
        CHECK(limit.admits(start + 4s));
        for (int i = 0; i != 10; ++i) CHECK(limit.admits(start + 1h));
        CHECK(!limit.admits(start + 1h));
    }
}
