// SPDX-License-Identifier: MIT
// What handles, and the end of a runtime, do to a task from outside its poll.
#include "core/last_call.hpp"
#include "pollux/core/task_state.hpp"
#include "pollux/runtime/join_handle.hpp"
#include "scheduler/forked_unit.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/task_waker.hpp"

namespace pollux::inline v0::detail {

namespace {

using states = task_states;

runtime_core& core_of(task_header& task) noexcept { return *static_cast<runtime_core*>(task.home); }

void schedule_end(task_header& task, wake_action action) noexcept {
    if (action == wake_action::schedule)
        core_of(task).schedule_any(task);
    else if (!states::is_complete(task.state))
        forked_unit::wake_all_of(task);
}

}  // namespace

void abort_task(task_header& task) noexcept { schedule_end(task, states::abort(task.state)); }
void end_marked_task(task_header& task) noexcept { schedule_end(task, states::end_marked(task.state)); }

void task_ops::abort(task_header& task) noexcept { abort_task(task); }

bool task_ops::is_finished(const task_header& task) noexcept { return states::is_complete(task.state); }

namespace {

// Behind the end of the task, of which nobody looks at the slot any more.
[[gnu::noinline, gnu::cold]] bool empty_joiner(task_header& task) noexcept {
    task.joiner = waker();
    return unforeseen(true);
}

}  // namespace

// The slot holds a waker that another poll of the handle has left.
bool task_ops::replace_joiner(task_header& task, const waker& to_wake) noexcept {
    if (task.joiner.is_clone_of(to_wake)) return false;
    if (!states::withdraw_join_waker(task.state)) return true;
    task.joiner = waker();
    return register_join(task, to_wake);
}

bool task_ops::register_join(task_header& task, const waker& to_wake) noexcept {
    if (to_wake.table() == &task_waker_table) [[likely]] {
        states::add_reference(static_cast<task_header*>(to_wake.data())->state);
        ::new (static_cast<void*>(&task.joiner)) waker(to_wake.data(), to_wake.table());  // over an empty one
    } else {
        ::new (static_cast<void*>(&task.joiner)) waker(to_wake);
    }
    if (states::publish_join_waker(task.state)) [[likely]]
        return false;
    return empty_joiner(task);
}

namespace {

[[gnu::noinline]] void drop_joined(task_header& task, join_drop steps) noexcept {
    if (steps.drop_output) {
        if (task.holds_exception()) {
            runtime_core& core = core_of(task);
            core.report_unhandled(task_id{task.failed_id()}, task.drop_result(), states::is_cancelled(task.state));
            core.drop_owner();
        } else {
            task.drop_result();
        }
    }
    if (steps.drop_waker) task.joiner = waker();
    if (steps.drop_reference) drop_task_references(task, 1);
}

}  // namespace

// Apart: a handle that goes at once has no more to do than the first line, and need not save registers for the rest.
void task_ops::drop_join(task_header& task) noexcept {
    const join_drop steps = states::drop_join_handle(task.state);
    if (steps.drop_reference) drop_joined(task, steps);
}

void task_ops::exception_was_seen(task_header& task) noexcept { core_of(task).drop_owner(); }
void task_ops::add_reference(task_header& task) noexcept { states::add_reference(task.state); }

}  // namespace pollux::inline v0::detail
