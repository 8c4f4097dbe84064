// SPDX-License-Identifier: MIT
// The injection queue on real threads and with the real ring: order, overflow, hand-over, fairness between shards and
// towards what overflowed. The schedules are the model's business (tests/model/injection_queue_model.cpp).
#include "scheduler/injection_queue.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using pollux::v0::detail::injection_queue;
using pollux::v0::detail::injection_ring;
using pollux::v0::detail::std_sync;

struct item {
    item* next = nullptr;
    unsigned producer = 0;
    unsigned number = 0;
};

// A ring of four for a shard of up to eight, so that it is full before a shard is crowded, and nearly everything overflows.
using tiny_queue = injection_queue<item, std_sync, 8, injection_ring<item, 4>>;

std::vector<item> numbered(std::size_t n) {
    std::vector<item> items(n);
    for (std::size_t i = 0; i != n; ++i) items[i].number = static_cast<unsigned>(i);
    return items;
}

std::vector<item*> pointers(std::vector<item>& items) {
    std::vector<item*> all;
    for (item& one : items) all.push_back(&one);
    return all;
}

}  // namespace

TEST_SUITE("scheduler/injection_queue") {
    TEST_CASE("a new queue is empty") {
        injection_queue<item> queue(4);
        CHECK(queue.shards() == 4);
        CHECK(queue.looks_empty());
        CHECK(queue.approximate_size() == 0);
        CHECK(queue.pop(0) == nullptr);
        item* out = nullptr;
        CHECK(queue.pop_batch(3, &out, 1) == 0);
    }

    TEST_CASE("the number of shards is rounded up to a power of two") {
        CHECK(tiny_queue(0).shards() == 1);
        CHECK(tiny_queue(1).shards() == 1);
        CHECK(tiny_queue(5).shards() == 8);
    }

    TEST_CASE("push: what one thread pushed comes out in order, through ring, overflow and ring again") {
        tiny_queue queue(4);
        auto items = numbered(1000);
        unsigned taken = 0;
        for (std::size_t i = 0; i != items.size(); ++i) {
            queue.push(&items[i]);
            CHECK_FALSE(queue.looks_empty());
            CHECK(queue.approximate_size() == i + 1 - taken);
            if (i % 3 != 0) continue;
            item* const one = queue.pop(static_cast<unsigned>(i));
            REQUIRE(one != nullptr);
            CHECK(one->number == taken++);
        }
        while (item* const one = queue.pop(1)) {
            CHECK(one->number == taken++);
            CHECK(queue.approximate_size() == items.size() - taken);
        }
        CHECK(taken == items.size());
        CHECK(queue.looks_empty());
    }

    TEST_CASE("push_batch: part in the ring and part in the overflow, the order holds") {
        tiny_queue queue(1);
        auto items = numbered(300);
        auto all = pointers(items);
        queue.push_batch(all.data(), 0);
        CHECK(queue.looks_empty());
        queue.push_batch(all.data(), 3);
        queue.push_batch(all.data() + 3, 7);
        queue.push_batch(all.data() + 10, 290);
        CHECK(queue.approximate_size() == 300);
        std::vector<item*> out(300);
        std::size_t got = 0;
        while (const std::size_t n = queue.pop_batch(0, out.data() + got, std::min<std::size_t>(7, out.size() - got))) {
            got += n;
            CHECK(queue.approximate_size() == 300 - got);
        }
        CHECK(got == 300);
        CHECK(out == all);
    }

    TEST_CASE("pop_batch: takes from several shards until it has enough") {
        tiny_queue queue(4);
        auto items = numbered(8);
        for (unsigned i = 0; i != 8; ++i) queue.push(&items[i], i);
        std::array<item*, 8> out{};
        CHECK(queue.pop_batch(0, out.data(), 5) == 5);
        CHECK(queue.approximate_size() == 3);
        CHECK(queue.pop_batch(0, out.data() + 5, 3) == 3);
        unsigned sum = 0;
        for (const item* one : out) sum += one->number;
        CHECK(sum == 28);
        CHECK(queue.looks_empty());
    }

    TEST_CASE("pop: what overflowed comes out although others keep pushing") {
        tiny_queue queue(1);
        auto items = numbered(40);
        for (unsigned i = 0; i != 5; ++i) queue.push(&items[i]);  // the last one finds the ring full
        unsigned pops = 0;
        for (unsigned next = 5;; ++next) {
            REQUIRE(next < items.size());
            item* const one = queue.pop(0);
            REQUIRE(one != nullptr);
            ++pops;
            if (one == &items[4]) break;
            queue.push(&items[next]);
        }
        CHECK(pops == 5);
        while (queue.pop(0) != nullptr) {}
        CHECK(queue.looks_empty());
    }

    TEST_CASE("pop: a shard that no consumer calls its own is served although another never runs dry") {
        tiny_queue queue(4);
        auto items = numbered(4);
        queue.push(&items[3], 3);
        queue.push(&items[0], 0);
        unsigned pops = 0;
        for (;;) {
            item* const one = queue.pop(0);
            REQUIRE(one != nullptr);
            ++pops;
            if (one == &items[3]) break;
            queue.push(one, 0);
        }
        CHECK(pops <= 4 * 8);
        CHECK(queue.pop(0) == &items[0]);
        CHECK(queue.looks_empty());
    }
}

TEST_SUITE("scheduler/injection_queue stress") {
    TEST_CASE("threads on both sides: nothing is lost or taken twice, and each consumer sees each producer in order") {
        constexpr unsigned producers = 3;
        constexpr unsigned consumers = 3;
        constexpr unsigned each = 20'000;
        tiny_queue queue(2);
        std::vector<std::vector<item>> items(producers);
        for (auto& own : items) own = numbered(each);
        for (unsigned p = 0; p != producers; ++p)
            for (item& one : items[p]) one.producer = p;

        struct result {
            std::vector<unsigned> taken = std::vector<unsigned>(producers * each);
            bool in_order = true;
        };
        std::vector<result> results(consumers);
        std::atomic<unsigned> left{producers * each};
        {
            std::vector<std::jthread> threads;
            for (unsigned p = 0; p != producers; ++p)
                threads.emplace_back([&, p] {
                    auto all = pointers(items[p]);
                    for (unsigned i = 0; i != each;) {
                        const unsigned n = std::min(1 + i % 9, each - i);
                        if (n == 1)
                            queue.push(all[i], p);
                        else
                            queue.push_batch(all.data() + i, n, p);
                        i += n;
                        if (i % 64 == 0) std::this_thread::yield();
                    }
                });
            for (unsigned c = 0; c != consumers; ++c)
                threads.emplace_back([&, c] {
                    result& mine = results[c];
                    std::array<unsigned, producers> next{};
                    std::array<item*, 5> out{};
                    while (left.load() != 0) {
                        const std::size_t n = queue.pop_batch(c, out.data(), 1 + c * 2);
                        if (n == 0) std::this_thread::yield();
                        for (std::size_t i = 0; i != n; ++i) {
                            const item& one = *out[i];
                            mine.in_order = mine.in_order && one.number >= next[one.producer];
                            next[one.producer] = one.number + 1;
                            ++mine.taken[one.producer * each + one.number];
                        }
                        left.fetch_sub(static_cast<unsigned>(n));
                    }
                });
        }
        std::vector<unsigned> taken(producers * each);
        for (const result& one : results) {
            CHECK(one.in_order);
            for (std::size_t i = 0; i != taken.size(); ++i) taken[i] += one.taken[i];
        }
        CHECK(taken == std::vector<unsigned>(producers * each, 1));
        CHECK(queue.looks_empty());
    }
}
