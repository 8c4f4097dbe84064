// SPDX-License-Identifier: MIT
// What a source has that includes this header of users' alone.
#include "pollux/offload.hpp"

#include <doctest/doctest.h>

#include "pollux/core.hpp"

TEST_SUITE("offload") {
    // It was declared with the runtime alone.
    TEST_CASE("offload.hpp: has what a job throws outside a runtime") {
        CHECK_THROWS_AS(pollux::block_on(pollux::offload([] { return 1; })), pollux::no_runtime);
        CHECK_THROWS_AS(pollux::block_on(pollux::blocking([] { return 1; })), pollux::no_runtime);
    }
}
