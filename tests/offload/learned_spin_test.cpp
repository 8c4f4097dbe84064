// SPDX-License-Identifier: MIT
#include "offload/learned_spin.hpp"

#include <doctest/doctest.h>

#include <cstdint>

using pollux::detail::learned_spin;

namespace {

// How many of so many spins that are all in vain are long.
int long_ones(learned_spin& spin, int spins, std::uint64_t longest) {
    int n = 0;
    for (int i = 0; i != spins; ++i) {
        if (spin.ticks() == longest) ++n;
        spin.has_brought(false);
    }
    return n;
}

}  // namespace

TEST_SUITE("offload/learned_spin") {
    TEST_CASE("it is as long as it may be at first, and while something comes") {
        learned_spin spin(64);
        for (int i = 0; i != 100; ++i) {
            CHECK(spin.ticks() == 64);
            spin.has_brought(true);
        }
    }

    TEST_CASE("each one in vain halves it, and then there is none") {
        learned_spin spin(64);
        for (const std::uint64_t expected : {64u, 32u, 16u, 0u, 0u}) {
            CHECK(spin.ticks() == expected);
            spin.has_brought(false);
        }
    }

    TEST_CASE("it becomes long again when something comes") {
        learned_spin spin(64);
        for (int i = 0; i != 10; ++i) spin.has_brought(false);
        CHECK(spin.ticks() == 0);
        spin.has_brought(true);
        CHECK(spin.ticks() == 64);
    }

    TEST_CASE("now and then it is long though all are in vain, but seldom") {
        learned_spin spin(64);
        CHECK(long_ones(spin, 320, 64) == 1 + 10);  // the first, and one in 32
    }

    TEST_CASE("one that may not last does not") {
        learned_spin spin(0);
        CHECK(spin.ticks() == 0);
        spin.has_brought(false);
        CHECK(spin.ticks() == 0);
    }
}
