// SPDX-License-Identifier: MIT
// What handles do to a task from outside its poll.
#include "pollux/runtime/join_handle.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/task_state.hpp"
#include "scheduler/task_waker.hpp"

namespace pollux::inline v0::detail {

namespace {

using states = task_state<std_sync>;

runtime_core& core_of(task_header& task) noexcept { return *static_cast<runtime_core*>(task.home); }

}  // namespace

void task_ops::abort(task_header& task) noexcept { abort_task(task); }

bool task_ops::is_finished(const task_header& task) noexcept { return states::is_complete(task.state); }

static_assert(states::complete == completed_task);

bool task_ops::register_join(task_header& task, const waker& to_wake) noexcept {
    switch (states::join_look(task.state)) {
        case join_view::complete: return true;
        case join_view::has_waker:
            if (task.joiner.will_wake(to_wake)) return false;
            if (!states::withdraw_join_waker(task.state)) return true;
            break;
        case join_view::no_waker: break;
    }
    task.joiner = to_wake;
    if (states::publish_join_waker(task.state)) return false;
    task.joiner = waker();
    return true;
}

void task_ops::drop_join(task_header& task) noexcept {
    const join_drop steps = states::drop_join_handle(task.state);
    if (steps.drop_output) {
        if (task.holds_exception()) {
            runtime_core& core = core_of(task);
            core.report_unhandled(task_id{task.failed_id}, task.drop_result(), states::is_cancelled(task.state));
            core.drop_owner();
        } else {
            task.drop_result();
        }
    }
    if (steps.drop_waker) task.joiner = waker();
    if (steps.drop_reference) drop_task_references(task, 1);
}

void task_ops::end_join(task_header& task) noexcept {
    // It is complete: the slot is the handle's, unless whoever completed it is still reading it and will empty it.
    if (states::drop_join_handle(task.state).drop_waker) task.joiner = waker();
    drop_task_references(task, 1);
}

void task_ops::exception_was_seen(task_header& task) noexcept { core_of(task).drop_owner(); }
void task_ops::add_reference(task_header& task) noexcept { states::add_reference(task.state); }
void task_ops::drop_reference(task_header& task) noexcept { drop_task_references(task, 1); }

}  // namespace pollux::inline v0::detail
