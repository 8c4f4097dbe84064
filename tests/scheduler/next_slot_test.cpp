// SPDX-License-Identifier: MIT
// One thread asks for each answer; what several threads do is the model's subject (tests/model/next_slot_model.cpp).
#include "scheduler/next_slot.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

namespace {

using slot = pollux::detail::next_slot<int, pollux::detail::std_sync>;

constexpr std::uint64_t least_age = 10;
constexpr std::uint64_t put_at = 100;

}  // namespace

TEST_SUITE("scheduler/next_slot") {
    TEST_CASE("take: gives the item once, then null") {
        slot s;
        int one = 1;
        CHECK(s.looks_empty());
        CHECK(s.take() == nullptr);
        CHECK(s.replace(&one, put_at) == nullptr);
        CHECK_FALSE(s.looks_empty());
        CHECK(s.take() == &one);
        CHECK(s.looks_empty());
        CHECK(s.take() == nullptr);
    }

    TEST_CASE("replace: gives back the item that stood there and keeps the newer one") {
        slot s;
        int older = 1;
        int newer = 2;
        CHECK(s.replace(&older, put_at) == nullptr);
        CHECK(s.replace(&newer, put_at) == &older);
        CHECK(s.take() == &newer);
        CHECK(s.replace(&older, put_at) == nullptr);
        CHECK(s.take() == &older);
    }

    TEST_CASE("steal: an empty slot gives null, at any age") {
        slot s;
        CHECK(s.steal(put_at, 0) == nullptr);
        int one = 1;
        s.replace(&one, put_at);
        REQUIRE(s.take() == &one);
        CHECK(s.steal(put_at + least_age, least_age) == nullptr);
    }

    TEST_CASE("steal: an item goes once it has the least age, and not before") {
        slot s;
        int one = 1;
        s.replace(&one, put_at);
        CHECK(s.steal(put_at, least_age) == nullptr);
        CHECK(s.steal(put_at + least_age - 1, least_age) == nullptr);
        CHECK_FALSE(s.looks_empty());
        CHECK(s.steal(put_at + least_age, least_age) == &one);
        CHECK(s.looks_empty());
        CHECK(s.steal(put_at + least_age, least_age) == nullptr);
        CHECK(s.take() == nullptr);
    }

    TEST_CASE("steal: a newer item starts its age anew") {
        slot s;
        int older = 1;
        int newer = 2;
        s.replace(&older, put_at);
        s.replace(&newer, put_at + least_age);
        CHECK(s.steal(put_at + least_age, least_age) == nullptr);
        CHECK(s.steal(put_at + 2 * least_age, least_age) == &newer);
    }

    // A difference of the two wraps round and lets the youngest item go at once.
    TEST_CASE("steal: an item that was put in after the thief read its clock is too young") {
        slot s;
        int one = 1;
        s.replace(&one, put_at);
        CHECK(s.steal(put_at - 1, least_age) == nullptr);
        CHECK(s.steal(0, least_age) == nullptr);
        CHECK(s.take() == &one);
    }

    TEST_CASE("steal: without a least age an item goes at once, and one without a stamp at any time") {
        slot s;
        int one = 1;
        s.replace(&one, put_at);
        CHECK(s.steal(put_at, 0) == &one);
        s.replace(&one, 0);
        CHECK(s.steal(std::numeric_limits<std::uint64_t>::max(), least_age) == &one);
    }
}
