// SPDX-License-Identifier: MIT
// Memory for tasks and coroutine frames: the free blocks of one thread, a bounded list for each size, and what all threads have in
// common, bounded too (lib/core/block_cache.cpp). A block may be given back on another thread than it came from: those of tasks that
// are spawned outside and end on workers go round through what is common, in batches.
//
// Used by the promise's operator new and by spawn: the one place on the hot path that allocates.
//
// A shelf has two batches. Blocks come and go at the first; when that is empty or full it changes places with the second, which is
// always full or not there. So a thread goes to the others once in a batch at most, wherever it goes up and down.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "pollux/core/export.hpp"

namespace pollux::inline v0::detail {

// What a block is while nobody uses it.
struct empty_block {
    empty_block* next;
    empty_block* next_batch;  // of the first block of a batch that is common
};

class POLLUX_API block_cache {
public:
    // Sizes are multiples of this, less what the allocator puts in front of a block: so none is lost between blocks. Half a step is
    // lost on average in them, against a shelf more for each halving.
    static constexpr std::size_t step = 32;
    static constexpr std::size_t allocator_bytes = 8;
    // Blocks of more than 1016 bytes go to the allocator: such frames do enough work to pay for it.
    static constexpr std::size_t shelf_count = 33;
    // Of a batch. With more a thread would keep more than it needs, with less it would meet the others more often. A guess.
    static constexpr std::size_t batch_bytes = std::size_t{16} * 1024;

    constexpr block_cache() noexcept {
        for (std::size_t i = 0; i <= shelf_count; ++i) shelves_[i].room = blocks_of_batch(i);
    }
    block_cache(const block_cache&) = delete;
    block_cache& operator=(const block_cache&) = delete;
    ~block_cache();

    /// Null: there is none at hand.
    [[gnu::always_inline]] void* take_if_any(std::size_t bytes) noexcept {
        const std::size_t index = shelf_of(bytes);
        if (index < shelf_count) [[likely]] {
            shelf& from = shelves_[index];
            if (empty_block* const block = from.first) [[likely]] {
                from.first = block->next;
                ++from.room;
                return block;
            }
        }
        return nullptr;
    }
    /// When there is none at hand: a batch of others, or the allocator. Throws: std::bad_alloc.
    void* take_elsewhere(std::size_t bytes);
    /// The same for all blocks that are too large for a shelf.
    static constexpr std::size_t shelf_of(std::size_t bytes) noexcept {
        const std::size_t index = (bytes + allocator_bytes + step - 1) / step;
        return index < shelf_count ? index : shelf_count;
    }
    void give(void* memory, std::size_t index) noexcept {
        shelf& to = shelves_[index];
        auto* const block = static_cast<empty_block*>(memory);
        block->next = to.first;
        to.first = block;
        if (--to.room == 0) [[unlikely]]
            put_batch_away(index);
    }

    /// What a thread uses of it. Null with address sanitizer: each block is the allocator's then, so that it sees who uses one that was
    /// given back, or gives it back twice.
    static block_cache* for_thread(block_cache& cache) noexcept;
    /// From the allocator. Throws: std::bad_alloc.
    static void* fresh(std::size_t bytes);
    static void release(void* block) noexcept;
    /// Gives back to the allocator what all threads have in common.
    static void empty_common() noexcept;

private:
    struct shelf {
        empty_block* first = nullptr;
        std::size_t room = 0;           // of the first batch
        empty_block* second = nullptr;  // a whole batch, or null
    };

    static constexpr std::size_t blocks_of_batch(std::size_t index) noexcept {
        return index == 0 || index == shelf_count ? 1 : batch_bytes / (index * step);
    }

    void put_batch_away(std::size_t index) noexcept;

    // The last one, of whatever is too large, is never filled: so give() asks nothing.
    shelf shelves_[shelf_count + 1];
};

/// The cache of this thread, or null. Initial-exec: one load, no call into the dynamic linker.
POLLUX_API extern constinit thread_local block_cache* current_blocks [[gnu::tls_model("initial-exec")]];

/// The rare end of take_block(). Null: no memory.
POLLUX_API void* take_block_elsewhere(std::size_t bytes) noexcept;
[[noreturn]] POLLUX_API void fail_to_take_block();

#if defined(__clang__)
// Who calls it need not save registers for it: each making of a frame is 9 instructions shorter. With a name of its own, as other
// compilers cannot be told; and throwing nothing, as registers that a call keeps are not restored by an exception.
[[clang::preserve_most, gnu::noinline, gnu::cold]] inline void* take_block_saving_registers(
    std::size_t bytes) noexcept {
    return take_block_elsewhere(bytes);
}
#endif

/// Null: no memory.
[[gnu::always_inline]] inline void* try_to_take_block(std::size_t bytes) noexcept {
    block_cache* const cache = current_blocks;
    if (cache != nullptr) [[likely]]
        if (void* const block = cache->take_if_any(bytes)) [[likely]]
            return block;
#if defined(__clang__)
    return take_block_saving_registers(bytes);
#else
    return take_block_elsewhere(bytes);
#endif
}
/// Throws: std::bad_alloc.
inline void* take_block(std::size_t bytes) {
    void* const block = try_to_take_block(bytes);
    if (block == nullptr) [[unlikely]]
        fail_to_take_block();
    return block;
}
inline void give_block_to_shelf(void* block, std::size_t index) noexcept {
    block_cache* const cache = current_blocks;
    if (cache != nullptr) [[likely]]
        cache->give(block, index);
    else
        block_cache::release(block);
}
inline void give_block(void* block, std::size_t bytes) noexcept {
    give_block_to_shelf(block, block_cache::shelf_of(bytes));
}

/// A base of what is made by `new` on the hot path: the memory is this thread's free blocks. What is aligned further than the
/// allocator aligns comes from there.
struct in_free_blocks {
    static void* operator new(std::size_t bytes) { return take_block(bytes); }
    static void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return try_to_take_block(bytes); }
    static void operator delete(void* block, std::size_t bytes) noexcept { give_block(block, bytes); }
    static void* operator new(std::size_t bytes, std::align_val_t alignment) {
        return ::operator new(bytes, alignment);
    }
    static void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t& only) noexcept {
        return ::operator new(bytes, alignment, only);
    }
    static void operator delete(void* block, std::align_val_t alignment) noexcept {
        ::operator delete(block, alignment);
    }
};

}  // namespace pollux::inline v0::detail
