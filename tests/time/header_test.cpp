// SPDX-License-Identifier: MIT
// What a source has that includes this header of users' alone.
#include "pollux/time.hpp"

#include <doctest/doctest.h>

#include <chrono>

#include "pollux/core.hpp"

TEST_SUITE("time") {
    // It was declared with the runtime alone.
    TEST_CASE("time.hpp: has what a sleep throws outside a runtime") {
        CHECK_THROWS_AS(pollux::block_on(pollux::sleep_for(std::chrono::milliseconds(1))), pollux::no_runtime);
    }
}
