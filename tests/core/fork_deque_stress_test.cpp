// SPDX-License-Identifier: MIT
#include "pollux/core/fork_deque.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

using pollux::detail::fork_deque;

TEST_SUITE("core/fork_deque stress") {
    // The owner forks and joins in trees of random depth; thieves take what they can. Each item carries a plain
    // counter, which its taker increments: thread sanitizer sees two takers, and the sum sees none.
    TEST_CASE("each item is taken once while thieves are at work") {
        constexpr int item_count = 30'000;
        constexpr int thief_count = 2;
        for (const bool asymmetric : {false, true}) {
            if (asymmetric && !pollux::detail::membarrier_is_available()) continue;
            const std::uint32_t seed = std::random_device()();
            CAPTURE(asymmetric);
            CAPTURE(seed);
            struct item {
                int payload = 0;
                int taken = 0;
            };
            std::vector<item> items(item_count);
            fork_deque<item> deque(asymmetric, 2);
            std::atomic<bool> is_done{false};
            std::atomic<std::uint64_t> stolen_sum{0};

            std::vector<std::thread> thieves;
            for (int t = 0; t != thief_count; ++t) {
                thieves.emplace_back([&deque, &is_done, &stolen_sum] {
                    std::uint64_t sum = 0;
                    for (;;) {
                        // Before the steal: what was pushed before the end is seen by it.
                        const bool last_look = is_done.load(std::memory_order::acquire);
                        if (item* const got = deque.steal(); got != nullptr) {
                            sum += static_cast<std::uint64_t>(got->payload);
                            ++got->taken;
                        } else if (last_look) {
                            break;
                        } else {
                            std::this_thread::yield();
                        }
                    }
                    stolen_sum.fetch_add(sum, std::memory_order::relaxed);  // read after the join
                });
            }

            std::mt19937 random(seed);
            std::uint64_t own_sum = 0;
            bool pushes_succeed = true;
            for (int next = 0; next != item_count;) {
                const int depth = static_cast<int>(random() % 8);
                for (int i = 0; i != depth && next != item_count; ++i) {
                    items[static_cast<std::size_t>(next)].payload = next + 1;
                    pushes_succeed = deque.push(&items[static_cast<std::size_t>(next)]) && pushes_succeed;
                    ++next;
                }
                const int pops = static_cast<int>(random() % 8);
                for (int i = 0; i != pops; ++i) {
                    item* const got = deque.pop();
                    if (got == nullptr) break;
                    own_sum += static_cast<std::uint64_t>(got->payload);
                    ++got->taken;
                }
            }
            while (item* const got = deque.pop()) {
                own_sum += static_cast<std::uint64_t>(got->payload);
                ++got->taken;
            }
            is_done.store(true, std::memory_order::release);  // pairs with the acquire in the thieves
            for (std::thread& thief : thieves) thief.join();

            CHECK(pushes_succeed);
            CHECK(own_sum + stolen_sum.load() == std::uint64_t{item_count} * (item_count + 1) / 2);
            int wrong = 0;
            for (const item& one : items) wrong += one.taken != 1;
            CHECK(wrong == 0);
            CHECK(deque.looks_empty());
        }
    }
}
