// SPDX-License-Identifier: MIT
// The slow side of the free lists: the allocator.
#include "pollux/core/block_cache.hpp"

#include <cstdlib>
#include <new>

namespace pollux::inline v0::detail {

constinit thread_local block_cache* current_blocks = nullptr;

block_cache::~block_cache() {
    for (shelf& each : shelves_)
        while (each.used != 0) std::free(each.blocks[--each.used]);
}

void* block_cache::fresh(std::size_t bytes) {
    if (void* const block = std::malloc((bytes + step - 1) / step * step)) return block;
    throw std::bad_alloc();
}

void* take_block_elsewhere(std::size_t bytes) noexcept {
    try {
        return current_blocks != nullptr ? current_blocks->take(bytes) : block_cache::fresh(bytes);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void fail_to_take_block() { throw std::bad_alloc(); }

void block_cache::release(void* block) noexcept { std::free(block); }

void block_cache::overflow(void* block, std::size_t index) noexcept {
    std::free(block);
    if (index >= shelf_count) return;
    shelf& full = shelves_[index];
    while (full.used > depth / 2) std::free(full.blocks[--full.used]);
}

}  // namespace pollux::inline v0::detail
