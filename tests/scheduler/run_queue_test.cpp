// SPDX-License-Identifier: MIT
#include "scheduler/run_queue.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <numeric>
#include <random>
#include <vector>

using pollux::detail::run_queue;
using pollux::detail::std_sync;

namespace {

template <class T>
struct kept_overflow {
    std::vector<T*> items;
    int batches = 0;
    int singles = 0;

    void push(T* item) noexcept {
        items.push_back(item);
        ++singles;
    }
    void push_batch(T** batch, std::size_t n) noexcept {
        items.insert(items.end(), batch, batch + n);
        ++batches;
    }
};

std::vector<int> numbers(int n) {
    std::vector<int> result(static_cast<std::size_t>(n));
    std::iota(result.begin(), result.end(), 0);
    return result;
}

using small_queue = run_queue<int, std_sync, 8>;

}  // namespace

TEST_SUITE("scheduler/run_queue") {
    TEST_CASE("items leave in the order in which they came") {
        auto items = numbers(5);
        kept_overflow<int> overflow;
        small_queue queue;
        for (int& i : items) queue.push(&i, overflow);
        CHECK(queue.size() == 5);
        CHECK(queue.free_slots() == 3);
        for (int& i : items) CHECK(queue.pop() == &i);
        CHECK(queue.pop() == nullptr);
        CHECK(queue.looks_empty());
        CHECK(queue.free_slots() == 8);
        CHECK(overflow.items.empty());
    }

    TEST_CASE("a full queue sends its newer half and the new item away, oldest first, and keeps the older half") {
        auto items = numbers(9);
        kept_overflow<int> overflow;
        small_queue queue;
        for (int& i : items) queue.push(&i, overflow);
        CHECK(overflow.batches == 1);
        CHECK(overflow.items == std::vector<int*>{&items[4], &items[5], &items[6], &items[7], &items[8]});
        CHECK(queue.size() == 4);
        for (int i = 0; i != 4; ++i) CHECK(queue.pop() == &items[static_cast<std::size_t>(i)]);
        CHECK(queue.pop() == nullptr);
    }

    TEST_CASE("a steal takes the older half: one to run now, the rest in order") {
        auto items = numbers(7);
        kept_overflow<int> overflow;
        small_queue victim;
        small_queue thief;
        for (int& i : items) victim.push(&i, overflow);
        CHECK(victim.steal_into(thief) == &items[0]);
        CHECK(thief.size() == 3);
        CHECK(victim.size() == 3);
        for (int i = 1; i != 4; ++i) CHECK(thief.pop() == &items[static_cast<std::size_t>(i)]);
        for (int i = 4; i != 7; ++i) CHECK(victim.pop() == &items[static_cast<std::size_t>(i)]);
        CHECK(victim.free_slots() == 8);
        CHECK(overflow.items.empty());
    }

    TEST_CASE("a steal of the only item leaves both queues empty") {
        int item = 0;
        kept_overflow<int> overflow;
        small_queue victim;
        small_queue thief;
        CHECK(victim.steal_into(thief) == nullptr);
        victim.push(&item, overflow);
        CHECK(victim.steal_into(thief) == &item);
        CHECK(victim.looks_empty());
        CHECK(thief.looks_empty());
        CHECK(victim.steal_into(thief) == nullptr);
    }

    TEST_CASE("a thief is filled to half at most, so that nothing stolen overflows from there") {
        auto items = numbers(16);
        kept_overflow<int> overflow;
        small_queue victim;
        small_queue thief;
        for (int i = 0; i != 8; ++i) victim.push(&items[static_cast<std::size_t>(i)], overflow);
        for (int i = 8; i != 10; ++i) thief.push(&items[static_cast<std::size_t>(i)], overflow);
        CHECK(victim.steal_into(thief) == &items[0]);
        CHECK(thief.size() == 4);  // had two, took three
        CHECK(victim.steal_into(thief) == &items[3]);
        CHECK(thief.size() == 4);  // no room in the older half: only the one to run
        CHECK(victim.size() == 4);
        for (const std::size_t i : {8U, 9U, 1U, 2U}) CHECK(thief.pop() == &items[i]);
    }

    TEST_CASE("indices come round without a trace") {
        auto items = numbers(9);
        for (std::uint64_t before = 0; before != 12; ++before) {
            CAPTURE(before);
            kept_overflow<int> overflow;
            small_queue victim((std::uint64_t{1} << 48) - before);
            small_queue thief(std::uint64_t{0} - before);
            for (int& i : items) victim.push(&i, overflow);
            CHECK(overflow.items.size() == 5);
            CHECK(victim.size() == 4);
            CHECK(victim.steal_into(thief) == &items[0]);
            CHECK(thief.size() == 1);
            CHECK(thief.pop() == &items[1]);
            CHECK(victim.pop() == &items[2]);
            CHECK(victim.pop() == &items[3]);
            CHECK(victim.pop() == nullptr);
            CHECK(victim.free_slots() == 8);
        }
    }

    TEST_CASE("random operations agree with plain queues") {
        for (std::uint32_t seed = 1; seed != 60; ++seed) {
            CAPTURE(seed);
            std::mt19937 random(seed);
            auto items = numbers(600);
            std::size_t next = 0;
            kept_overflow<int> overflow;
            std::vector<int*> plain_overflow;
            small_queue queues[2] = {small_queue(random()), small_queue((std::uint64_t{1} << 48) - 50)};
            std::deque<int*> plain[2];
            const auto take = [](std::deque<int*>& from) -> int* {
                if (from.empty()) return nullptr;
                int* const result = from.front();
                from.pop_front();
                return result;
            };
            while (next != items.size()) {
                const std::size_t q = random() % 2;
                const std::size_t other = 1 - q;
                switch (random() % 5) {
                    case 0: REQUIRE(queues[q].pop() == take(plain[q])); break;
                    case 1: {
                        const std::size_t there = plain[q].size();
                        const std::size_t room = plain[other].size() < 4 ? 4 - plain[other].size() : 0;
                        const std::size_t n = std::min(there - there / 2, room + 1);
                        int* const first = take(plain[q]);
                        for (std::size_t i = 1; i < n; ++i) plain[other].push_back(take(plain[q]));
                        REQUIRE(queues[q].steal_into(queues[other]) == first);
                        break;
                    }
                    default:
                        plain[q].push_back(&items[next]);
                        if (plain[q].size() == 9) {
                            plain_overflow.insert(plain_overflow.end(), plain[q].begin() + 4, plain[q].end());
                            plain[q].resize(4);
                        }
                        queues[q].push(&items[next++], overflow);
                }
                for (std::size_t i = 0; i != 2; ++i) {
                    REQUIRE(queues[i].size() == plain[i].size());
                    REQUIRE(queues[i].free_slots() == 8 - plain[i].size());
                    REQUIRE(queues[i].looks_empty() == plain[i].empty());
                }
                REQUIRE(overflow.items == plain_overflow);
            }
            CHECK_FALSE(overflow.items.empty());
        }
    }
}
