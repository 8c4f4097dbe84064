// SPDX-License-Identifier: MIT
// The place where a coroutine has forked: it stands in the awaiter of fork_join or fork_all, in the parent's frame. While a
// child that is not the last one runs, the point is on a fork deque, and whoever takes it from there (owner or thief) starts
// the next child and is its *holder* until it is pushed again. The last child runs in place and inherits the holder's role.
//
// Joining. A child that ends without finding its parent's point counts down the join word, the holder at its end adds what it has
// counted; who makes it zero resumes the parent. Protocol and proof stand in join_word.hpp.
//
// Which parent a child pops. A worker polls nothing else while its own fork deque holds a point: whoever suspends falls back to
// the loop, and the loop empties the deque first. So every poll that comes from a queue, from a theft or from a join by
// somebody else starts above an empty deque; a child that ends and pops something has found its own parent.
//
// Cancelling. A child that is cancelled leaves no result: the point is marked abandoned, children that were not started are
// destroyed, and the last one to end destroys the parent instead of resuming it. Nobody waits for anybody.
#pragma once

#include <atomic>
#include <cstdint>

#include "pollux/core/execution.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/runnable.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/coro/frame.hpp"
#include "pollux/coro/join_word.hpp"

namespace pollux::inline v0::detail {

struct POLLUX_API fork_point final : runnable, join_word<> {
    void* parent = nullptr;        // frame
    task_header* task = nullptr;   // whose poll it belongs to
    void** children = nullptr;     // frames, in order
    std::uint32_t next_child = 0;  // from here on: the holder's
    std::uint32_t child_count = 0;

    fork_point() noexcept = default;

    /// On a worker that took it from a queue: starts the next child.
    void run(execution&) noexcept override;
    task_header* owner() noexcept override { return task; }

    /// Puts it on this worker's deque, where a thief may take it. False: no memory for a larger deque.
    [[nodiscard]] bool publish(forking_execution& self) noexcept {
        if (!self.forks.push(this)) [[unlikely]]
            return false;
        // Pairs with the heavy fence of a worker that is about to sleep: it sees the push, or its bit is seen here. A stale
        // answer costs parallelism, not progress: the owner takes the point itself in the end.
        if (self.asymmetric_fences) [[likely]]
            std_sync::light_fence();
        else
            std_sync::full_fence();
        if (self.sleepers->load(std::memory_order::relaxed) != 0) [[unlikely]]
            self.wake_for_fork();
        return true;
    }

    /// The holder's: the frame of the next child, with the point published if there are more.
    void* start_next(forking_execution& self) noexcept;
};

/// Once in forks_per_look forks. False: the task is cancelled, or its slice is over and the point has been queued; the parent
/// returns to the loop, which knows what to do.
POLLUX_API bool look_before_fork(forking_execution& self, fork_point& point) noexcept;

/// A child, or the holder, has ended beside others. True: the parent goes on here.
POLLUX_API bool end_with_others(forking_execution& self, fork_point& point, join_role as) noexcept;

/// A cancelled task's unit that is not running: destroys it, and each parent whose last child it was. abandoned: that was the root.
POLLUX_API poll_end abandon_unit(execution& self, promise_base& root) noexcept;
/// The same by the holder of a point: its children that were not started are never started.
POLLUX_API poll_end abandon_children(forking_execution& self, fork_point& point) noexcept;

// What the scheduler does for children that fork_fallback has made tasks.
struct POLLUX_API forked_tasks {
    /// Schedules a new task.
    static void spawn(runtime_core& runtime, task_header& child) noexcept;
    /// True: it has ended, its result can be taken. False: `waker` will be woken.
    static bool is_finished(task_header& child, const waker& waker) noexcept;
    /// Cancels it and waits for the poll that another worker may be in.
    static void cancel_and_wait(task_header& child) noexcept;
    /// Gives up the handle.
    static void release(task_header& child) noexcept;
};

}  // namespace pollux::inline v0::detail
