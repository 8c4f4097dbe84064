// SPDX-License-Identifier: MIT
#include "pollux/core/block_cache.hpp"

#include <doctest/doctest.h>
#include <malloc.h>

#include <cstddef>
#include <set>
#include <thread>
#include <vector>

#include "support/heap_counter.hpp"

namespace {

using pollux::detail::block_cache;
using pollux::test::blocks_in_use;
using pollux::test::heap_counter;

void* take(block_cache& cache, std::size_t bytes) {
    void* const block = cache.take_if_any(bytes);
    return block != nullptr ? block : cache.take_elsewhere(bytes);
}
void give(block_cache& cache, void* block, std::size_t bytes) { cache.give(block, block_cache::shelf_of(bytes)); }

void take_and_give(block_cache& cache, std::size_t bytes, std::size_t n) {
    std::vector<void*> blocks(n);
    for (void*& each : blocks) each = take(cache, bytes);
    for (void* const each : blocks) give(cache, each, bytes);
}

// What take_and_give() takes from the heap beyond its list of them.
std::size_t taken_from_heap(block_cache& cache, std::size_t bytes, std::size_t n) {
    const heap_counter taken;
    take_and_give(cache, bytes, n);
    return taken.by_this_thread() - 1;
}

constexpr std::size_t small = 100;
constexpr std::size_t largest = block_cache::step * (block_cache::shelf_count - 1) - block_cache::allocator_bytes;

}  // namespace

TEST_SUITE("core/block_cache") {
    TEST_CASE("block_cache: has nothing at first, and what was given last comes first") {
        block_cache cache;
        CHECK(cache.take_if_any(small) == nullptr);
        void* const first = take(cache, small);
        void* const second = take(cache, small);
        CHECK(first != second);
        give(cache, first, small);
        give(cache, second, small);
        CHECK(cache.take_if_any(small) == second);
        CHECK(cache.take_if_any(small) == first);
        CHECK(cache.take_if_any(small) == nullptr);
        give(cache, first, small);
        give(cache, second, small);
    }

    TEST_CASE("block_cache: a block is large enough for all sizes of its shelf, and another shelf does not have it") {
        block_cache cache;
        for (std::size_t bytes = 1; bytes <= largest; ++bytes) {
            CAPTURE(bytes);
            CHECK(block_cache::shelf_of(bytes) < block_cache::shelf_count);
            CHECK(block_cache::shelf_of(bytes) - block_cache::shelf_of(bytes - 1) <= 1);
            void* const block = take(cache, bytes);
            CHECK(malloc_usable_size(block) >= bytes);
            give(cache, block, bytes);
            if (block_cache::shelf_of(bytes + 1) == block_cache::shelf_of(bytes)) continue;
            CHECK(cache.take_if_any(bytes + 1) == nullptr);
        }
    }

    TEST_CASE("block_cache: a block that is too large for a shelf comes from the heap and goes there") {
        block_cache cache;
        for (const std::size_t bytes : {largest + 1, largest + 2, std::size_t{100'000}}) {
            CAPTURE(bytes);
            CHECK(block_cache::shelf_of(bytes) == block_cache::shelf_count);
            const std::size_t before = blocks_in_use();
            void* const block = take(cache, bytes);
            CHECK(blocks_in_use() == before + 1);
            give(cache, block, bytes);
            CHECK(blocks_in_use() == before);
            CHECK(cache.take_if_any(bytes) == nullptr);
        }
    }

    TEST_CASE("block_cache: up and down by any number within two batches asks the heap once for each block") {
        block_cache::empty_common();
        const std::size_t batch = block_cache::batch_bytes / (block_cache::shelf_of(small) * block_cache::step);
        for (const std::size_t n : {std::size_t{1}, batch - 1, batch, batch + 1, 2 * batch - 1}) {
            CAPTURE(n);
            block_cache cache;
            CHECK(taken_from_heap(cache, small, n) == n);
            for (int round = 0; round != 3; ++round) CHECK(taken_from_heap(cache, small, n) == 0);
        }
    }

    TEST_CASE("block_cache: batches that one thread gives back serve another") {
        block_cache::empty_common();
        const std::size_t batch = block_cache::batch_bytes / (block_cache::shelf_of(small) * block_cache::step);
        block_cache here;
        take_and_give(here, small, 10 * batch);
        std::size_t there = 0;
        std::thread([&] {
            block_cache cache;
            there = taken_from_heap(cache, small, 5 * batch);
        }).join();
        CHECK(there == 0);
        block_cache::empty_common();
    }

    TEST_CASE("block_cache: keeps a bounded number, and gives up all of it") {
        block_cache::empty_common();
        const std::size_t before = blocks_in_use();
        {
            block_cache cache;
            take_and_give(cache, small, 200'000);
            // 256 common batches and two of its own.
            CHECK(blocks_in_use() - before <= 258 * block_cache::batch_bytes / small);
            CHECK(blocks_in_use() - before > 0);
        }
        block_cache::empty_common();
        CHECK(blocks_in_use() == before);
    }

    TEST_CASE("block_cache: blocks are no other's while they are out, by whatever threads they come and go") {
        block_cache::empty_common();
        const std::size_t before = blocks_in_use();
        {
            std::vector<void*> handed(5'000);
            std::thread([&] {
                block_cache cache;
                for (void*& each : handed) each = take(cache, small);
            }).join();
            CHECK(std::set<void*>(handed.begin(), handed.end()).size() == handed.size());
            std::thread([&] {
                block_cache cache;
                for (void* const each : handed) give(cache, each, small);
                std::set<void*> again;
                for (std::size_t i = 0; i != handed.size(); ++i) again.insert(take(cache, small));
                CHECK(again.size() == handed.size());
                for (void* const each : again) give(cache, each, small);
            }).join();
        }
        block_cache::empty_common();
        CHECK(blocks_in_use() == before);
    }
}
