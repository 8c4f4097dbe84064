// SPDX-License-Identifier: MIT
// The children of an adapter that polls only the child that was woken: a block on the heap with a place and a waker
// for each of a fixed number of children, and the list of those woken since the last poll.
//
// Made by `join_all` and `try_join_all`: one allocation. Those that were woken are given in the order of the wake-ups, so that the first
// error is the one that came first; where their order says nothing, child_groups.hpp takes less. A number that changes is
// child_set.hpp's. The block is counted, by its
// owner and by each waker that somebody keeps, so a waker may be kept for ever: after its child has gone it causes
// one spurious poll of the next child in that place, and after the owner has gone nothing. What the places hold
// belongs to the owner.
//
// Threads: the wakers, any; all else, the one that polls the owner.
#pragma once

#include <cstddef>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

class child_block;

// What the wakers of children call. A child's points to its node, of so many bytes.
POLLUX_API extern const waker_table child_waker_table;
inline constexpr std::size_t child_node_bytes = 24;

class POLLUX_API child_wakers {
public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    /// No block.
    child_wakers() noexcept = default;
    /// `count` places of `bytes` bytes, whose alignment is `alignment`. Throws: std::bad_alloc.
    child_wakers(std::size_t count, std::size_t bytes, std::size_t alignment);
    child_wakers(child_wakers&& other) noexcept
        : block_(std::exchange(other.block_, nullptr)),
          nodes_(other.nodes_),
          places_(other.places_),
          stride_(other.stride_) {}
    child_wakers& operator=(child_wakers&& other) noexcept {
        std::swap(block_, other.block_);
        std::swap(nodes_, other.nodes_);
        std::swap(places_, other.places_);
        std::swap(stride_, other.stride_);
        return *this;
    }
    ~child_wakers();

    explicit operator bool() const noexcept { return block_ != nullptr; }

    /// Memory for child `index`: raw until the owner makes something in it.
    void* place(std::size_t index) const noexcept { return places_ + index * stride_; }

    /// At the start of each poll of the owner. From here on a child that is woken wakes `parent`; those woken before
    /// it are what take_woken() gives in this poll.
    void begin_poll(const waker& parent) const noexcept;

    /// take_woken() has one to give.
    bool has_woken() const noexcept;

    /// The next child that was woken before begin_poll(), in the order of the wake-ups, or `none`. A child that wakes
    /// itself in its poll waits for the next poll of the owner, so the owner's loop ends.
    std::size_t take_woken() const noexcept;

    /// The waker of child `index` without a count: only for the length of one poll, and ended with `forget()`.
    waker uncounted(std::size_t index) const noexcept {
        return waker(nodes_ + index * child_node_bytes, &child_waker_table);
    }

private:
    child_block* block_ = nullptr;
    // Where its parts are, known here: for each poll of a child they are asked for several times.
    std::byte* nodes_ = nullptr;
    std::byte* places_ = nullptr;
    std::size_t stride_ = 0;  // bytes from one place to the next
};

}  // namespace pollux::inline v0::detail
