// SPDX-License-Identifier: MIT
#include "pollux/core/fork_deque.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <deque>
#include <numeric>
#include <random>
#include <vector>

using pollux::detail::fork_deque;
using pollux::detail::std_sync;

namespace {

// One thread sees no difference, but must not fail with either. Not every kernel has membarrier.
std::vector<bool> fence_kinds() {
    if (pollux::detail::membarrier_is_available()) return {false, true};
    return {false};
}

std::vector<int> numbers(int n) {
    std::vector<int> result(static_cast<std::size_t>(n));
    std::iota(result.begin(), result.end(), 0);
    return result;
}

}  // namespace

TEST_SUITE("core/fork_deque") {
    TEST_CASE("pop takes the newest item and steal the oldest") {
        auto items = numbers(3);
        fork_deque<int> deque(false);
        for (int& i : items) REQUIRE(deque.push(&i));
        CHECK(deque.pop() == &items[2]);
        CHECK(deque.steal() == &items[0]);
        CHECK(deque.pop() == &items[1]);
        CHECK(deque.pop() == nullptr);
        CHECK(deque.steal() == nullptr);
    }

    TEST_CASE("a new deque is empty, and stays usable after pops of nothing") {
        int item = 0;
        fork_deque<int> deque(false);
        CHECK(deque.looks_empty());
        CHECK(deque.owner_sees_empty());
        CHECK(deque.pop() == nullptr);
        CHECK_FALSE(deque.pop_own());
        CHECK(deque.looks_empty());
        REQUIRE(deque.push(&item));
        CHECK_FALSE(deque.looks_empty());
        CHECK_FALSE(deque.owner_sees_empty());
        CHECK(deque.pop() == &item);
        CHECK(deque.owner_sees_empty());
    }

    TEST_CASE("pop_own says whether the item was still there") {
        auto items = numbers(2);
        fork_deque<int> deque(false);
        REQUIRE(deque.push(&items[0]));
        REQUIRE(deque.push(&items[1]));
        CHECK(deque.pop_own());
        CHECK(deque.steal() == &items[0]);
        CHECK_FALSE(deque.pop_own());
        CHECK(deque.owner_sees_empty());
    }

    TEST_CASE("growth keeps items and their order, in whatever place of the ring it happens") {
        auto items = numbers(64);
        for (int shift = 0; shift != 8; ++shift) {
            CAPTURE(shift);
            fork_deque<int> deque(false, 4, shift);
            for (int& i : items) REQUIRE(deque.push(&i));
            for (int i = 0; i != 32; ++i) CHECK(deque.steal() == &items[static_cast<std::size_t>(i)]);
            for (int i = 63; i != 31; --i) CHECK(deque.pop() == &items[static_cast<std::size_t>(i)]);
            CHECK(deque.owner_sees_empty());
        }
    }

    TEST_CASE("slots that thieves emptied are used again without growth") {
        auto items = numbers(100);
        fork_deque<int, std_sync, 2> deque(false, 2);  // cannot grow
        for (int& i : items) {
            REQUIRE(deque.push(&i));
            REQUIRE(deque.steal() == &i);
        }
    }

    TEST_CASE("a push that finds no memory fails and changes nothing") {
        auto items = numbers(5);
        fork_deque<int, std_sync, 4> deque(false, 4);  // cannot grow
        for (int i = 0; i != 4; ++i) REQUIRE(deque.push(&items[static_cast<std::size_t>(i)]));
        CHECK_FALSE(deque.push(&items[4]));
        CHECK_FALSE(deque.push(&items[4]));
        CHECK(deque.pop() == &items[3]);
        CHECK(deque.push(&items[4]));
        CHECK(deque.pop() == &items[4]);
        for (int i = 2; i >= 0; --i) CHECK(deque.pop() == &items[static_cast<std::size_t>(i)]);
        CHECK(deque.pop() == nullptr);
    }

    TEST_CASE("indices beyond 32 bits are as good as small ones") {
        auto items = numbers(6);
        for (const std::int64_t first :
             {(std::int64_t{1} << 31) - 3, (std::int64_t{1} << 32) - 3, std::int64_t{1} << 62}) {
            CAPTURE(first);
            fork_deque<int> deque(false, 2, first);
            for (int& i : items) REQUIRE(deque.push(&i));
            CHECK(deque.steal() == &items[0]);
            for (int i = 5; i != 0; --i) CHECK(deque.pop() == &items[static_cast<std::size_t>(i)]);
            CHECK(deque.pop() == nullptr);
        }
    }

    TEST_CASE("random operations agree with a plain double-ended queue") {
        for (const bool asymmetric : fence_kinds()) {
            for (std::uint32_t seed = 1; seed != 40; ++seed) {
                CAPTURE(asymmetric);
                CAPTURE(seed);
                std::mt19937 random(seed);
                auto items = numbers(400);
                std::size_t next = 0;
                std::deque<int*> plain;
                fork_deque<int> deque(asymmetric, 2, static_cast<std::int64_t>(random()));
                const auto take = [&plain](bool newest) {
                    int* const result = plain.empty() ? nullptr : newest ? plain.back() : plain.front();
                    if (result != nullptr) newest ? plain.pop_back() : plain.pop_front();
                    return result;
                };
                while (next != items.size()) {
                    switch (random() % 7) {
                        case 0: REQUIRE(deque.steal() == take(false)); break;
                        case 1: REQUIRE(deque.pop() == take(true)); break;
                        case 2: REQUIRE(deque.pop_own() == (take(true) != nullptr)); break;
                        default: plain.push_back(&items[next]); REQUIRE(deque.push(&items[next++]));
                    }
                    REQUIRE(deque.owner_sees_empty() == plain.empty());
                    REQUIRE(deque.looks_empty() == plain.empty());
                }
            }
        }
    }
}
