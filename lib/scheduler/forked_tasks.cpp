// SPDX-License-Identifier: MIT
// The scheduler's side of fork_fallback: children of a fork below a plain poll are tasks, and destroying their parent waits for
// the poll that another worker may be in.
#include <cstddef>

#include "pollux/core/task_state.hpp"
#include "pollux/coro/coroutine_task.hpp"
#include "pollux/coro/fork_fallback.hpp"
#include "pollux/coro/fork_point.hpp"
#include "pollux/runtime/join_handle.hpp"
#include "pollux/runtime/spawn.hpp"
#include "scheduler/forked_unit.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/task_waker.hpp"
#include "scheduler/wait_for_cancelled.hpp"

namespace pollux::inline v0::detail {

namespace {

using states = task_states;

// Frames as in fork_fallback, in reverse order.
class waited_forks final : public waited_tasks {
public:
    waited_forks(void* const* frames, std::size_t count) noexcept : frames_(frames), left_(count) {}

    /// Those that have not ended, as far as the parent knows.
    template <class Visit>
    void for_each(Visit&& visit) const noexcept {
        for (std::size_t i = left_; i-- != 0;)
            if (!fork_fallback::has_ended(frames_[i])) visit(*header_in_front_of(frames_[i]));
    }
    bool has(task_header& one) const noexcept override {
        if (!states::is_child(one.state)) return false;  // most of what waits in a queue is no child, or not cancelled
        if (!states::is_cancelled(one.state)) return false;
        for (std::size_t i = left_; i-- != 0;)
            if (frames_[i] == static_cast<coroutine_task_base&>(one).frame()) return true;
        return false;
    }
    bool are_over() noexcept override {
        for (; left_ != 0; --left_)
            if (void* const last = frames_[left_ - 1];
                !fork_fallback::has_ended(last) && !states::is_complete(header_in_front_of(last)->state))
                return false;
        return true;
    }

private:
    void* const* frames_;
    std::size_t left_;  // those behind them have ended
};

}  // namespace

void forked_tasks::spawn(runtime_core& runtime, task_header& child) noexcept {
    // Another thread may end the runtime while this one cancels the child.
    runtime.add_owner();
    child.state.store(states::initial_child(), std::memory_order::relaxed);  // nobody else knows it
    if (runtime.start(child)) return;
    // The runtime is ending: a task that has ended before it began.
    auto& coroutine = static_cast<coroutine_task_base&>(child);
    child.state.store(states::running | states::join_interest | 2 * states::one_reference, std::memory_order::relaxed);
    destroy_unit(coroutine.promise());
    child.set_cancelled();
    (void)states::to_complete(child.state);  // nobody waits yet
    drop_task_references(child, 1);
}

bool forked_tasks::is_finished(task_header& child, const waker& waker) noexcept {
    return task_ops::poll_join(child, waker);
}

void forked_tasks::cancel_and_wait(runtime_core& runtime, void* const* frames, std::size_t count) noexcept {
    waited_forks waited(frames, count);
    cancelled_children children(runtime);
    waited.for_each([&](task_header& child) { children.cancel(child); });
    children.end();
    wait_for_cancelled(runtime, waited);
}

void forked_tasks::release(task_header& child) noexcept {
    auto& runtime = *static_cast<runtime_core*>(child.home);
    // The parent has rethrown the first exception; the others end here, as after a fork that was not below a poll.
    if (states::is_complete(child.state) && child.holds_exception()) {
        task_ops::exception_was_seen(child);
        child.drop_result();
        task_ops::drop_reference(child);
    } else {
        task_ops::drop_join(child);
    }
    runtime.drop_owner();
}

}  // namespace pollux::inline v0::detail
