// SPDX-License-Identifier: MIT
// Memory for tasks and coroutine frames: the free blocks of one thread, a bounded stack of pointers for each size. A block may
// be given back on another thread than it came from. Only workers have a cache; elsewhere the allocator serves.
//
// Used by the promise's operator new and by spawn: the one place on the hot path that allocates.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pollux/core/export.hpp"

namespace pollux::inline v0::detail {

class POLLUX_API block_cache {
public:
    // Sizes are multiples of this: half of it is lost on average, against a shelf more for each halving.
    static constexpr std::size_t step = 32;
    // Blocks from 1024 bytes on go to the allocator: such frames do enough work to pay for it.
    static constexpr std::size_t shelf_count = 33;
    // Blocks a shelf keeps, at most 128 KiB of the largest size. A full shelf gives half of them back.
    static constexpr std::size_t depth = 128;

    block_cache() noexcept = default;
    block_cache(const block_cache&) = delete;
    block_cache& operator=(const block_cache&) = delete;
    ~block_cache();

    void* take(std::size_t bytes) {
        void* const block = take_if_any(bytes);
        return block != nullptr ? block : fresh(bytes);
    }
    /// Null: there is none.
    [[gnu::always_inline]] void* take_if_any(std::size_t bytes) noexcept {
        const std::size_t index = shelf_of(bytes);
        if (index < shelf_count) [[likely]] {
            shelf& from = shelves_[index];
            if (from.used != 0) [[likely]] {
                void* const block = from.blocks[--from.used];
                if (block == nullptr) __builtin_unreachable();  // so that the caller need not look
                return block;
            }
        }
        return nullptr;
    }
    /// The same for all blocks that are too large for a shelf.
    static constexpr std::size_t shelf_of(std::size_t bytes) noexcept {
        const std::size_t index = (bytes + step - 1) / step;
        return index < shelf_count ? index : shelf_count;
    }
    void give(void* block, std::size_t index) noexcept {
        if (index < shelf_count) [[likely]] {
            shelf& to = shelves_[index];
            if (to.used != depth) [[likely]] {
                to.blocks[to.used++] = block;
                return;
            }
        }
        overflow(block, index);
    }

    /// What take() does without a cache: rounds up to a step. Throws: std::bad_alloc.
    static void* fresh(std::size_t bytes);
    static void release(void* block) noexcept;

private:
    struct shelf {
        std::size_t used = 0;
        void* blocks[depth];
    };

    void overflow(void* block, std::size_t index) noexcept;

    shelf shelves_[shelf_count];
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

/// Throws: std::bad_alloc.
inline void* take_block(std::size_t bytes) {
    block_cache* const cache = current_blocks;
    if (cache != nullptr) [[likely]]
        if (void* const block = cache->take_if_any(bytes)) [[likely]]
            return block;
#if defined(__clang__)
    void* const block = take_block_saving_registers(bytes);
#else
    void* const block = take_block_elsewhere(bytes);
#endif
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

}  // namespace pollux::inline v0::detail
