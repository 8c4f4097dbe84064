// SPDX-License-Identifier: MIT
// What every coroutine frame of this library shares: who waits for it, where its result goes, what it waits for. Used by task,
// by the awaiters and by the loop that resumes frames (lib/coro/drive.cpp).
//
// A *unit* is a chain of frames that is polled as one: a root frame, and the frames it awaits, down to the innermost. A root is
// spawned (its header in front of it is the task's), polled (a plain poll stands above it), or forked (a child of fork_join; its
// header comes alive when it is suspended for the first time). Frames know the root of their unit, so what a suspension or a
// wake-up costs does not depend on the depth.
//
// A frame ends without a final suspension: it destroys itself, locals and parameters, before whoever awaits it goes on. Whoever
// resumed it read `up` before and learns from the execution's `suspension` that it has ended.
#pragma once

#include <bit>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <source_location>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/task_header.hpp"

namespace pollux::inline v0::detail {

// How a leaf that was not ready answers to the next poll of its unit.
enum class wait_end : std::uint8_t {
    pending,  // still
    ready,    // resume the frame
    ended,    // its error has ended the frame, which is gone
};

// In the awaiter of a frame that waits. The loop asks it before it resumes the frame.
struct suspension_point {
    wait_end (*poll_again)(suspension_point&, context&) noexcept;
    void* frame;
};

// The lowest bits of promise_base::up.
enum class frame_kind : std::uintptr_t {
    polled = 0,         // root below a plain poll
    spawned = 1,        // root of a task; the other bits are its id
    awaited = 2,        // the other bits: the promise of the frame that awaits it
    awaited_point = 3,  // the other bits: a suspension_point to be asked when it has ended
    forked = 4,         // root; the other bits: its fork_point
    forked_last = 5,    // root; the last child of its fork_point, which it holds while it runs
};
inline constexpr unsigned frame_kind_bits = 3;
inline constexpr std::uintptr_t frame_kind_mask = 7;

struct promise_base {
    // Written by whoever starts the frame.
    std::uintptr_t up;
    void* slot;  // a result<T, E>
    union {
        promise_base* root;           // awaited: of its unit
        suspension_point* innermost;  // roots: what the unit waits for; null before the first resumption
        promise_base* next_dropped;   // never started, and dropped: see drop_unstarted()
    };
    union {
        std::source_location spawned_at;  // spawned
    };

    promise_base() noexcept {}  // NOLINT: not an aggregate, or it would be initialised from the coroutine's parameters

    frame_kind kind() const noexcept { return static_cast<frame_kind>(up & frame_kind_mask); }
    std::uintptr_t up_pointer() const noexcept { return up & ~frame_kind_mask; }
    /// Polled or spawned: nobody has to be asked about its unit. The lowest byte, which one instruction tests where it is.
    bool is_plain_root() const noexcept {
        static_assert(std::endian::native == std::endian::little);
        return (*reinterpret_cast<const unsigned char*>(&up) & 6) == 0;
    }
    bool is_awaited() const noexcept { return (up & 6) == 2; }
    promise_base& unit_root() noexcept { return is_awaited() ? *root : *this; }

    void* frame() noexcept { return std::coroutine_handle<promise_base>::from_promise(*this).address(); }
};

/// Compilers call unhandled_exception() also for what a destructor throws while a waiting frame is destroyed, which has no slot then.
[[noreturn]] POLLUX_API void refuse_exception_of_destructor() noexcept;

/// With all levels used up: the loop starts the frame of `child`, which that of `parent` awaits. Or a later poll does, which asks `point` by
/// `late` before it resumes it, if this one has had its share: awaits that end below here come back to the loop, and so take no budget.
POLLUX_API void start_by_loop(promise_base& parent, promise_base& child, suspension_point& point,
                              decltype(suspension_point::poll_again) late);

/// A chunk of the poll's budget is used up: as context::consume_budget(), for this frame's unit.
POLLUX_API bool ask_for_budget(promise_base& promise);

/// In a handler, by a leaf's poll_again: the frame is resumed, and rethrows what is being handled. The point keeps it, in the place of
/// its links, which nobody follows any more: of two awaits in one expression g++ asks the first for its result only after the second
/// has waited too, perhaps on another thread.
POLLUX_API wait_end keep_thrown(suspension_point&) noexcept;
[[noreturn]] POLLUX_API void rethrow_thrown(suspension_point&);
POLLUX_API void drop_kept(suspension_point&) noexcept;
/// By an awaiter that goes: with g++ perhaps the frame was destroyed before it could rethrow. clang asks at once, and the question would
/// cost an instruction in each await.
[[gnu::always_inline]] inline void drop_thrown([[maybe_unused]] suspension_point& point) noexcept {
#if !defined(__clang__)
    if (point.poll_again == nullptr) [[unlikely]]
        drop_kept(point);
#endif
}

/// Before it: of an awaiter whose point is not written yet.
[[gnu::always_inline]] inline void expect_drop([[maybe_unused]] suspension_point& point) noexcept {
#if !defined(__clang__)
    point.poll_again = [](suspension_point&, context&) noexcept { return wait_end::pending; };
#endif
}

inline promise_base& promise_at(void* frame) noexcept {
    return std::coroutine_handle<promise_base>::from_address(frame).promise();
}
inline std::uintptr_t up_to(const void* waiting, frame_kind kind) noexcept {
    // Not `or`: a sum with the place of `waiting` in its frame is one instruction.
    return reinterpret_cast<std::uintptr_t>(waiting) + static_cast<std::uintptr_t>(kind);
}

/// Only a parameter's destructor throws out of a frame: the frame is gone by then, and nobody could be told.
[[gnu::always_inline]] inline void resume_frame_at(void* frame) noexcept {
    std::coroutine_handle<>::from_address(frame).resume();
}

/// The frame that waits at `point` is ended by an error, which is where it goes.
inline wait_end end_waiting(suspension_point& point) noexcept {
    void* const frame = point.frame;
    const std::uintptr_t up = promise_at(frame).up;
    std::coroutine_handle<>::from_address(frame).destroy();
    current_execution->ended_up = up;
    return wait_end::ended;
}

// --- the block of a frame: [result][header][frame] -------------------------------------------------------------------------

inline constexpr std::size_t frame_alignment = 16;  // what compilers give a frame, and the allocator a block

inline task_header* header_in_front_of(void* frame) noexcept {
    return reinterpret_cast<task_header*>(static_cast<char*>(frame) - sizeof(task_header));
}

// The only part of the header that is written when a frame is made: "no task" until it is spawned or suspended as a child.
using header_state = std_sync::atomic<std::uint64_t>;
inline constexpr std::size_t header_state_offset = 32;

inline header_state& state_in_front_of(void* frame) noexcept {
    return *reinterpret_cast<header_state*>(static_cast<char*>(frame) - sizeof(task_header) + header_state_offset);
}

inline void* make_frame(std::size_t bytes, std::size_t room) {
    // Said, so that who has made a task need not ask its lowest bit whether it was started.
    auto* const block = static_cast<char*>(__builtin_assume_aligned(take_block(room + bytes), frame_alignment));
    void* const frame = block + room;
    ::new (static_cast<void*>(&state_in_front_of(frame))) header_state(0);
    return frame;
}
inline void drop_frame(void* frame, std::size_t bytes, std::size_t room) noexcept {
    char* const block = static_cast<char*>(frame) - room;
    // Relaxed: a header comes alive on the thread that runs the frame, or before the frame is handed to another.
    if (state_in_front_of(frame).load(std::memory_order::relaxed) == 0) [[likely]] {
        give_block(block, room + bytes);
    } else {
        task_header& header = *header_in_front_of(frame);
        header.keep_block(room - sizeof(task_header), block_cache::shelf_of(room + bytes));
        header.frame_ended();
    }
}

// --- polling a unit --------------------------------------------------------------------------------------------------------

/// Resumes `frame`, and whatever goes on after it, until its task's root ends or nothing of it can run here.
POLLUX_API poll_end drive(execution& self, void* frame);

/// One poll of a unit that is not running: asks what it waits for, then drives it.
POLLUX_API poll_end poll_unit(execution& self, promise_base& root);

/// Destroys the frames of a unit that is not running, the innermost first, in a loop.
POLLUX_API void destroy_unit(promise_base& root) noexcept;

/// Destroys a frame that was never started. Its parameters may own the next such frame, and so on: at some depth they wait in a list.
POLLUX_API void drop_unstarted(promise_base& promise) noexcept;

/// One plain poll of a root of kind `polled`, below whatever this thread is polling already.
POLLUX_API poll_end poll_in_place(promise_base& root, context& cx);

/// The context for a leaf of this frame's unit: the current poll's, but a forked child has a waker of its own.
[[gnu::always_inline]] inline context& leaf_context(promise_base& promise) {
    execution& self = *current_execution;
    if (promise.is_plain_root()) return *self.current;
    promise_base& root = promise.unit_root();
    if (root.kind() >= frame_kind::forked) [[unlikely]]
        return static_cast<forking_execution&>(self).context_of_fork(root);
    return *self.current;
}

/// The same for who may suspend the frame: with the root of its unit.
struct leaf_place {
    promise_base& root;
    context& cx;
};
[[gnu::always_inline]] inline leaf_place leaf_of(promise_base& promise) {
    if (promise.is_plain_root()) [[likely]]
        return {promise, *current_execution->current};
    return {promise.unit_root(), leaf_context(promise)};
}

}  // namespace pollux::inline v0::detail
