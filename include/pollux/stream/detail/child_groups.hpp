// SPDX-License-Identifier: MIT
// The children of an adapter that polls only the child that was woken, where it does not matter in which order: a block on the heap with
// a place and a waker for each of a fixed number of children, and a bit for each that was woken since the last poll.
//
// Made by `buffered` and `merge` at their first poll: one allocation, none for an item after that. What has to know who was woken first
// is child_wakers.hpp's. The block is counted, by its owner and by each waker that somebody keeps, so a waker may be kept for ever:
// after its child has gone it causes one spurious poll of the next child in that place, and after the owner has gone nothing. What the
// places hold belongs to the owner.
//
// Threads: the wakers, any; all else, the one that polls the owner.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>

#include "pollux/core/export.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/stream/detail/parent_cell.hpp"
#include "pollux/stream/detail/woken_groups.hpp"

namespace pollux::inline v0::detail {

// What the wakers of children call. A child's points to its byte of its group, which has one for each of so many.
POLLUX_API extern const waker_table group_waker_table;
inline constexpr std::size_t child_group_bytes = 64;

// The head of the block.
class group_block {
public:
    /// Throws: std::bad_alloc, also where the size has no number.
    static group_block* make(std::size_t count, std::size_t bytes, std::size_t alignment);

    group_block(const group_block&) = delete;
    group_block& operator=(const group_block&) = delete;

    void count() noexcept {
        owners_.fetch_add(1, std::memory_order::relaxed);  // made from a counted one, so it cannot reach zero meanwhile
    }
    void drop() noexcept {
        // Release: this owner's last use, for the acquire of the same line in whoever counts to zero and frees the
        // block.
        if (owners_.fetch_sub(1, std::memory_order::acq_rel) == 1) [[unlikely]]
            free();
    }

    std::byte* groups() const noexcept { return groups_; }
    std::byte* places() const noexcept { return places_; }

private:
    group_block(woken_groups<std_sync>::group* only, std::byte* groups, std::byte* places, std::size_t align) noexcept
        : woken(only), align_(align), groups_(groups), places_(places) {}
    ~group_block() = default;
    // Not inlined: a wake-up would save registers for it.
    [[gnu::noinline]] void free() noexcept;

public:
    // Any thread.
    parent_cell parent;
    woken_groups<std_sync> woken;

private:
    std::atomic<std::size_t> owners_{1};
    // Never changes.
    const std::size_t align_;
    std::byte* const groups_;
    std::byte* const places_;
};

class POLLUX_API child_groups {
public:
    /// No block.
    child_groups() noexcept = default;
    /// Of none until now: `count` places of `bytes` bytes, whose alignment is `alignment`. Throws: std::bad_alloc.
    void make(std::size_t count, std::size_t bytes, std::size_t alignment);
    child_groups(const child_groups&) = delete;
    child_groups& operator=(const child_groups&) = delete;
    ~child_groups();

    explicit operator bool() const noexcept { return block_ != nullptr; }

    /// Memory for child `index`, a `T` of the size it was made for: raw until the owner makes something in it.
    template <class T>
    void* place(std::size_t index) const noexcept {
        return places_ + index * sizeof(T);
    }

    /// At the start of each poll of the owner. From here on a child that is woken wakes `parent`; those woken before
    /// it are what for_each_woken() gives in this poll. False: there are none.
    bool begin_poll(const waker& parent) noexcept {
        block_->parent.store(parent);
        return block_->woken.begin_round();
    }

    /// `fn(index)` for each child that was woken before begin_poll(). A child that wakes itself in its poll waits for the next poll of
    /// the owner, so the owner's loop ends. If `fn` throws, others may be lost.
    template <class Fn>
    void for_each_woken(Fn fn) {
        while (const auto* const group = block_->woken.peek()) {
            const auto first = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(group) - groups_);
            auto left = block_->woken.take_children();
            for (; left != 0; left &= left - 1) fn(first + static_cast<std::size_t>(std::countr_zero(left)));
        }
    }

    /// The waker of child `index` without a count: only for the length of one poll, and ended with `forget()`.
    waker uncounted(std::size_t index) const noexcept { return waker(groups_ + index, &group_waker_table); }

private:
    group_block* block_ = nullptr;
    // Where its parts are, known here: for each poll of a child they are asked for several times.
    std::byte* groups_ = nullptr;
    std::byte* places_ = nullptr;
};

}  // namespace pollux::inline v0::detail
