// SPDX-License-Identifier: MIT
// The slow side of the free lists: whole batches of blocks, which threads hand to each other here, and the allocator.
#include "pollux/core/block_cache.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

#include "core/address_sanitizer.hpp"
#include "pollux/core/short_lock.hpp"

namespace pollux::inline v0::detail {

constinit thread_local block_cache* current_blocks = nullptr;

namespace {

// Of one size.
struct alignas(64) common_batches {
    short_lock lock;
    // Written under it. Without it who finds nothing goes to the allocator.
    std::atomic<empty_block*> first{nullptr};

    void put(empty_block* batch) noexcept {
        const lock_scope guard(lock);
        batch->next_batch = first.load(std::memory_order::relaxed);  // these are ordered by the lock
        first.store(batch, std::memory_order::relaxed);
    }
    empty_block* take() noexcept {
        if (first.load(std::memory_order::relaxed) == nullptr) return nullptr;
        const lock_scope guard(lock);
        empty_block* const batch = first.load(std::memory_order::relaxed);
        if (batch != nullptr) first.store(batch->next_batch, std::memory_order::relaxed);
        return batch;
    }
};

constinit common_batches common[block_cache::shelf_count];
// In `common`, all sizes together. Relaxed: that they are a few more or less for a moment does no harm.
constinit std::atomic<std::size_t> common_count{0};
// 4 MiB, 20,000 small tasks: a burst of so many does not go to the allocator again and again. A guess.
constexpr std::size_t most_common = 256;

void release_all(empty_block* batch) noexcept {
    while (batch != nullptr) {
        empty_block* const rest = batch->next;
        std::free(batch);
        batch = rest;
    }
}

}  // namespace

block_cache::~block_cache() {
    for (shelf& each : shelves_) {
        release_all(each.first);
        release_all(each.second);
    }
}

block_cache* block_cache::for_thread([[maybe_unused]] block_cache& cache) noexcept {
#if defined(POLLUX_ADDRESS_SANITIZER)
    return nullptr;
#else
    return &cache;
#endif
}

void* block_cache::fresh(std::size_t bytes) {
    const std::size_t steps = (bytes + allocator_bytes + step - 1) / step;
    if (void* const block = std::malloc(steps * step - allocator_bytes)) return block;
    throw std::bad_alloc();
}

void* take_block_elsewhere(std::size_t bytes) noexcept {
    try {
        return current_blocks != nullptr ? current_blocks->take_elsewhere(bytes) : block_cache::fresh(bytes);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void fail_to_take_block() { throw std::bad_alloc(); }

void* block_cache::take_elsewhere(std::size_t bytes) {
    const std::size_t index = shelf_of(bytes);
    if (index < shelf_count) {
        shelf& from = shelves_[index];
        empty_block* batch = from.second;
        if (batch != nullptr) {
            from.second = nullptr;
        } else if ((batch = common[index].take()) != nullptr) {
            common_count.fetch_sub(1, std::memory_order::relaxed);
        }
        if (batch != nullptr) {
            from.first = batch->next;
            from.room = 1;
            return batch;
        }
    }
    return fresh(bytes);
}

void block_cache::put_batch_away(std::size_t index) noexcept {
    shelf& full = shelves_[index];
    empty_block* const batch = full.first;
    full.first = nullptr;
    full.room = blocks_of_batch(index);
    if (index == shelf_count) {
        release_all(batch);
    } else if (full.second == nullptr) {
        full.second = batch;
    } else if (common_count.load(std::memory_order::relaxed) < most_common) {
        common_count.fetch_add(1, std::memory_order::relaxed);
        common[index].put(batch);
    } else {
        release_all(batch);
    }
}

void block_cache::release(void* block) noexcept { std::free(block); }

void block_cache::empty_common() noexcept {
    for (common_batches& each : common)
        while (empty_block* const batch = each.take()) {
            common_count.fetch_sub(1, std::memory_order::relaxed);
            release_all(batch);
        }
}

}  // namespace pollux::inline v0::detail
