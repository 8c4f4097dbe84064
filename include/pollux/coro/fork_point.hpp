// SPDX-License-Identifier: MIT
// The place where a coroutine has forked: it stands in the awaiter of fork_join, or in a block that the awaiter of fork_all owns. While a
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
#include <new>

#include "pollux/core/execution.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/runnable.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/coro/frame.hpp"
#include "pollux/coro/join_word.hpp"

namespace pollux::inline v0::detail {

struct fork_point;

// A fork point on its way through a run queue, or to the thief that runs it. Made for such a way only: most points never leave their deque.
class POLLUX_API queued_fork final : public runnable {
public:
    explicit queued_fork(fork_point& point) noexcept : point_(point) {}

    /// On a worker that took it from a queue: starts the next child.
    void run(execution&) noexcept override;
    task_header* owner() noexcept override;

private:
    fork_point& point_;
};

// Children that nobody has started, which are the first of fork_point::children(): the last of them is the next. From publish() on the
// holder's.
struct unstarted_children {
    std::uint32_t unstarted;
};

struct POLLUX_API fork_point final : unstarted_children, join_word<> {
    void* parent;       // frame; written when it forks, as what follows
    task_header* task;  // whose poll it belongs to
    union {
        queued_fork queued;  // see for_queue()
    };

    explicit fork_point(std::uint32_t count) noexcept : unstarted_children{count} {}

    /// Their frames, in reverse order, right behind the point.
    void** children() noexcept { return reinterpret_cast<void**>(this + 1); }

    /// By its holder, who gives it to a queue.
    runnable& for_queue() noexcept { return *::new (static_cast<void*>(&queued)) queued_fork(*this); }

    /// Puts it on this worker's deque, where a thief may take it. False: no memory for a larger deque.
    [[nodiscard]] bool publish(forking_execution& self) noexcept {
        if (!self.forks.push(this)) [[unlikely]]
            return false;
        if (fence_and_see_sleepers(self, self.asymmetric_fences)) [[unlikely]]
            self.wake_for_fork();
        return true;
    }
    /// Behind a push.
    [[gnu::always_inline]] static bool fence_and_see_sleepers(forking_execution& self, bool asymmetric) noexcept {
        // Pairs with the heavy fence of a worker that is about to sleep: it sees the push, or its bit is seen here. A stale
        // answer costs parallelism, not progress: the owner takes the point itself in the end.
        if (asymmetric)
            std_sync::light_fence();
        else
            std_sync::full_fence();
        return self.sleepers->load(std::memory_order::relaxed) != 0;
    }

    /// The holder's: the frame of the next child, with the point published if there are more.
    void* start_next(forking_execution& self) noexcept;
};

inline task_header* queued_fork::owner() noexcept { return point_.task; }

// A point with the children that belong to it.
template <std::uint32_t Count>
struct fork_of {
    fork_point point{Count};
    void* frames[Count];
};
static_assert(sizeof(fork_of<1>) == sizeof(fork_point) + sizeof(void*));  // right behind it

/// How an attempt to run a fork's children here has ended.
enum class fork_end : std::uint8_t {
    joined = 0,  // all have ended, the parent goes on at once
    // 1 and more: all levels return to the loop for that suspension_kind, and the parent may be running elsewhere: touch nothing of it
    below_poll = 255,  // nothing was done: no frame can be continued on another thread here, see fork_fallback.hpp
};

// The rare ways of run_forks(). They get what it has at hand, so that it need not save registers for more.
/// With all levels used up: the loop starts the children. Throws: std::bad_alloc, with no child started.
POLLUX_API fork_end start_by_loop(execution& self, fork_point& point);
/// The deque may be full. Throws: the same.
POLLUX_API void publish_in_full_deque(execution& self, fork_point& point);
POLLUX_API void wake_for_fork(execution& self) noexcept;
/// The child's own point may be the last one of the deque. True: it got it.
POLLUX_API bool pop_last_fork(execution& self) noexcept;

/// What suspension says. A call: as a constant it would be kept in a register all through run_forks().
POLLUX_API fork_end left_for(const execution& self) noexcept;

/// Once in forks_per_look forks. False: the task is cancelled, or its slice is over and the point has been queued; the parent
/// returns to the loop, which knows what to do.
POLLUX_API bool look_before_fork(execution& self, fork_point& point) noexcept;

/// A child, or the holder, has ended beside others.
POLLUX_API fork_end end_beside_others(execution& self, fork_point& point, join_role as) noexcept;

/// A cancelled task's unit that is not running: destroys it, and each parent whose last child it was. abandoned: that was the root.
POLLUX_API poll_end abandon_unit(execution& self, promise_base& root) noexcept;
/// The same by the holder of a point: its children that were not started are never started.
POLLUX_API poll_end abandon_children(forking_execution& self, fork_point& point) noexcept;

// Runs children that neither suspend nor lose their parent to a thief as nested calls. Of a fixed number where Count is not zero.
template <std::uint32_t Count, bool Asymmetric>
[[gnu::always_inline]] inline fork_end run_forks_nested(execution& base, fork_point& point, void* parent) {
    auto& self = static_cast<forking_execution&>(base);
    std::uint32_t left = Count != 0 ? Count : point.unstarted;
    point.parent = parent;
    point.task = base.task;
    // One for each child but the last; that alone counts, too, or a loop of forks of one child would never look.
    const std::uint32_t forks = left - (left != 1);
    if (__builtin_sub_overflow(self.fork_budget, forks, &self.fork_budget)) [[unlikely]]
        if (!look_before_fork(base, point)) return left_for(base);
    if (--base.nested_left == 0) [[unlikely]]
        return start_by_loop(base, point);
    for (;;) {
        point.unstarted = --left;
        if (left == 0) break;
        if (!self.forks.push_if_room(&point)) [[unlikely]]
            publish_in_full_deque(base, point);
        else if (fork_point::fence_and_see_sleepers(self, Asymmetric)) [[unlikely]]
            wake_for_fork(base);
        resume_frame_at(point.children()[left]);
        if (base.suspension != suspension_kind::none) [[unlikely]]
            return left_for(base);
        if (!self.forks.pop_own_if_more(Asymmetric)) [[unlikely]]
            if (!pop_last_fork(base)) return end_beside_others(base, point, join_role::child);
    }
    resume_frame_at(point.children()[0]);
    if (base.suspension != suspension_kind::none) [[unlikely]]
        return left_for(base);
    if (point.was_taken()) [[unlikely]]
        return end_beside_others(base, point, join_role::holder);
    ++base.nested_left;
    return fork_end::joined;
}

// Out of line, both: most forks are fenced as this thread's are, or not at all.
template <std::uint32_t Count>
[[gnu::noinline]] fork_end run_forks_otherwise(fork_point& point, void* parent, execution& base) {
    if (!base.can_fork) return fork_end::below_poll;
    return run_forks_nested<Count, false>(base, point, parent);
}

/// Forks here, where the point and its children are ready. Not inlined: the registers that it saves would else be saved by each call of
/// the coroutine, those that do not fork, too (fib: 6 pushes and pops a call).
template <std::uint32_t Count>
[[gnu::noinline]] fork_end run_forks(fork_point& point, void* parent) {
    execution& base = *current_execution;
    if (!base.can_fork.is_for_light_fences()) [[unlikely]]
        return run_forks_otherwise<Count>(point, parent, base);
    return run_forks_nested<Count, true>(base, point, parent);
}

// What the scheduler does for children that fork_fallback has made tasks.
struct POLLUX_API forked_tasks {
    /// Schedules a new task. The runtime's state lives until release().
    static void spawn(runtime_core& runtime, task_header& child) noexcept;
    /// True: it has ended, its result can be taken. False: `waker` will be woken.
    static bool is_finished(task_header& child, const waker& waker) noexcept;
    /// Cancels those that have not ended, and waits for the polls that other workers may be in. Frames as in fork_fallback.
    static void cancel_and_wait(runtime_core& runtime, void* const* frames, std::size_t count) noexcept;
    /// Gives up the handle.
    static void release(task_header& child) noexcept;
};

}  // namespace pollux::inline v0::detail
