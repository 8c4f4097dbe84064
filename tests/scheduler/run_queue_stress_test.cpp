// SPDX-License-Identifier: MIT
#include "scheduler/run_queue.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

using pollux::detail::run_queue;
using pollux::detail::std_sync;

TEST_SUITE("scheduler/run_queue stress") {
    // Workers as in the scheduler: each pushes to its own queue, pops from it, and robs the others when it is empty.
    // Each item carries a plain counter, which its taker increments: thread sanitizer sees two takers, and the sum sees
    // none.
    TEST_CASE("each item is taken once while workers rob each other") {
        constexpr std::size_t worker_count = 3;
        constexpr std::size_t items_each = 20'000;
        const std::uint32_t seed = std::random_device()();
        CAPTURE(seed);

        struct item {
            std::uint64_t payload = 0;
            int taken = 0;
        };
        struct shared_overflow {
            std::mutex mutex;
            std::deque<item*> items;

            void push(item* one) noexcept { push_batch(&one, 1); }
            void push_batch(item** batch, std::size_t n) noexcept {
                const std::lock_guard lock(mutex);
                items.insert(items.end(), batch, batch + n);
            }
            item* pop() noexcept {
                const std::lock_guard lock(mutex);
                if (items.empty()) return nullptr;
                item* const one = items.front();
                items.pop_front();
                return one;
            }
        };
        using queue = run_queue<item, std_sync, 16>;
        std::vector<item> items(worker_count * items_each);
        queue queues[worker_count] = {queue((std::uint64_t{1} << 48) - 1000), queue(), queue(77)};
        shared_overflow overflow;
        std::atomic<std::size_t> taken{0};
        std::atomic<std::uint64_t> sum{0};

        std::vector<std::thread> workers;
        for (std::size_t w = 0; w != worker_count; ++w) {
            workers.emplace_back([&, w] {
                std::mt19937 random(seed + static_cast<std::uint32_t>(w));
                std::size_t next = w * items_each;
                const std::size_t end = next + items_each;
                std::uint64_t own_sum = 0;
                const auto run = [&own_sum, &taken](item* one) {
                    if (one == nullptr) return false;
                    own_sum += one->payload;
                    ++one->taken;
                    taken.fetch_add(1, std::memory_order::relaxed);  // a count; the join makes the rest visible
                    return true;
                };
                while (taken.load(std::memory_order::relaxed) != items.size()) {
                    for (auto n = random() % 24; n != 0 && next != end; --n, ++next) {
                        items[next].payload = next + 1;
                        queues[w].push(&items[next], overflow);
                    }
                    for (auto n = random() % 16; n != 0; --n) {
                        if (!run(queues[w].pop())) break;
                    }
                    if (random() % 4 == 0) run(overflow.pop());
                    const std::size_t victim = (w + 1 + random() % (worker_count - 1)) % worker_count;
                    if (queues[w].looks_empty() && !run(queues[victim].steal_into(queues[w])))
                        std::this_thread::yield();
                }
                sum.fetch_add(own_sum, std::memory_order::relaxed);  // read after the join
            });
        }
        for (std::thread& worker : workers) worker.join();

        CHECK(sum.load() == std::uint64_t{items.size()} * (items.size() + 1) / 2);
        int wrong = 0;
        for (const item& one : items) wrong += one.taken != 1;
        CHECK(wrong == 0);
        CHECK(overflow.items.empty());
        for (const queue& q : queues) CHECK(q.looks_empty());
    }
}
