// SPDX-License-Identifier: MIT
// The scheduler's side of fork_fallback: children of a fork below a plain poll are tasks, and destroying their parent waits for
// the poll that another worker may be in.
#include "pollux/core/task_state.hpp"
#include "pollux/coro/coroutine_task.hpp"
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

}  // namespace

void forked_tasks::spawn(runtime_core& runtime, task_header& child) noexcept {
    // Another thread may end the runtime while this one cancels the child.
    runtime.add_owner();
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

void forked_tasks::cancel_and_wait(task_header& child) noexcept {
    abort_task(child);
    const auto is_child = [](const void* which, task_header& one) noexcept { return &one == which; };
    wait_for_cancelled(*static_cast<runtime_core*>(child.home), {is_child, &child},
                       [&] { return states::is_complete(child.state); });
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
