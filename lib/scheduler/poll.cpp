// SPDX-License-Identifier: MIT
// One task's way through a worker: it is queued, taken, polled, and parked or ended. These functions call each other on the way of
// every task, so they stand in one file, where the compiler can make one function of them (spawn and join: 1,310 instructions
// before, see bench/README.md).
//
// The order of the steps at the end is the contract that handles rely on: the future is destroyed, the task leaves the list, the
// result is published, the joiner is woken, the references are given up.
#include <cstddef>
#include <utility>

#include "core/last_call.hpp"
#include "core/ticks.hpp"
#include "coro/drive.hpp"
#include "pollux/core/block_cache.hpp"
#include "pollux/core/task_state.hpp"
#include "pollux/coro/coroutine_task.hpp"
#include "pollux/runtime/future_cell.hpp"
#include "pollux/runtime/join_handle.hpp"
#include "pollux/runtime/spawn.hpp"
#include "scheduler/forked_unit.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/task_waker.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

namespace {

using states = task_states;

task_header& task_of(void* data) noexcept { return *static_cast<task_header*>(data); }

runtime_core& core_of(task_header& task) noexcept { return *static_cast<runtime_core*>(task.home); }

static_assert(block_cache::shelf_count < 1u << task_header::shelf_bits);

// What keep_block() has left.
[[gnu::always_inline]] inline void free_block(task_header& task) noexcept {
    const auto left = reinterpret_cast<std::uintptr_t>(task.next);
    give_block_to_shelf(reinterpret_cast<char*>(&task) - (left >> task_header::shelf_bits),
                        left & ((1u << task_header::shelf_bits) - 1));
}

}  // namespace

// --- queueing ----------------------------------------------------------------------------------------------------------------

[[gnu::always_inline]] inline void worker::schedule_local(runnable& item) noexcept {
    // The stamp tells when this poll has begun, a slice late (see steal_slot()): reading a clock costs more than a theft that
    // comes too soon.
    if (runnable* const displaced = slot_.replace(&item, budget_.deadline)) push_back(*displaced);
}

[[gnu::noinline]] bool worker::push_back_spawned(runnable& item) noexcept {
    push_back(item);
    return unforeseen(true);
}

// In a poll. As schedule_local(), but the rare path is the last call.
[[gnu::always_inline]] inline bool worker::start_in_poll(task_header& started) noexcept {
    if (!core_.census().spawned_in_task(census_counter_)) [[unlikely]]
        return unforeseen(false);
    if (runnable* const displaced = slot_.replace(&started, budget_.deadline)) [[unlikely]]
        return push_back_spawned(*displaced);
    return unforeseen(true);
}

void worker::push_back(runnable& item) noexcept {
    if (!queue_.push_at_once(&item)) [[unlikely]]
        return push_back_slowly(item);
    publish_local_push();
}

[[gnu::noinline]] void worker::push_back_slowly(runnable& item) noexcept {
    queue_.push(&item, overflow_to_injection{*this});
    publish_local_push();
}

[[gnu::always_inline]] inline void runtime_core::schedule_here(runnable& item) noexcept {
    if (execution* const mine = current_execution; mine != nullptr && mine->worker_of == this) {
        static_cast<worker*>(mine)->schedule_local(item);
        return;
    }
    schedule_from_outside(item);
}

void runtime_core::schedule_any(runnable& item) noexcept { schedule_here(item); }

[[gnu::always_inline]] inline bool runtime_core::start_by(execution& mine, task_header& task) noexcept {
    if (mine.worker_of != this) [[unlikely]]
        return start_from_outside(task);
    // Outside of a task, in a hook or a waker, the worker may be about to be told that all tasks have ended.
    if (mine.task == nullptr) [[unlikely]]
        return start_outside_task(task);
    return static_cast<worker&>(mine).start_in_poll(task);
}

bool runtime_core::start(task_header& task) noexcept {
    task.home = this;
    execution* const mine = current_execution;
    return mine != nullptr ? start_by(*mine, task) : start_from_outside(task);
}

bool start_task_in(execution& mine, task_header& task) noexcept {
    runtime_core& core = *mine.runtime;
    task.home = &core;
    return core.start_by(mine, task);
}

bool start_task(runtime_core& core, task_header& task) noexcept { return core.start(task); }

// --- waking and ending ---------------------------------------------------------------------------------------------------

const waker_table task_waker_table{
    [](void* data) noexcept { states::add_reference(task_of(data).state); },
    [](void* data) noexcept { wake_task(task_of(data)); },
    [](void* data) noexcept { wake_and_drop_task(task_of(data)); },
    [](void* data) noexcept { drop_task_references(task_of(data), 1); },
    [](const void* data) noexcept { return data; },
};

void task_ops::drop_reference(task_header& task) noexcept {
    if (states::drop_reference(task.state)) free_block(task);
}

void drop_task_references(task_header& task, unsigned count) noexcept {
    if (states::drop_references(task.state, count)) free_block(task);
}

void wake_task(task_header& task) noexcept {
    if (worker* const mine = this_worker(); mine != nullptr && mine->wakes_itself(task)) return;
    if (states::wake(task.state) == wake_action::schedule) core_of(task).schedule_here(task);
}

void wake_and_drop_task(task_header& task) noexcept {
    switch (states::wake_and_drop(task.state)) {
        case last_wake_action::nothing: break;
        case last_wake_action::schedule: core_of(task).schedule_here(task); break;
        case last_wake_action::drop_reference: drop_task_references(task, 1); break;
    }
}

void worker::let_go(promise_base* waiting) noexcept {
    show_own_wake();
    set_task(nullptr);
    if (!gate_.is_open()) [[unlikely]]
        end_reported_poll(waiting);
}

// The poll goes on elsewhere, or has parts that do: who ends it must see that the task has been woken.
void worker::show_own_wake() noexcept {
    if (!has_woken_itself) return;
    has_woken_itself = false;
    (void)states::wake(task->state);  // it is running: that leaves a mark
}

// The common way of a task's end, and of its poll, has no call in its middle, so that it has to save no registers: whatever is rare is a
// function that does all of the rest.

[[gnu::always_inline]] inline void worker::complete_here(task_header& done) noexcept {
    if (done.was_linked() || failed.value != 0) return complete_linked(done);
    set_task(nullptr);
    publish_end(done);
}

// Or one that has failed: the common way asks once for both.
[[gnu::noinline]] void worker::complete_linked(task_header& done) noexcept {
    if (failed.value != 0) [[unlikely]]
        return complete_failed(done);
    set_task(nullptr);
    if (const list_try removed = core_.tasks().try_remove(done); removed != list_try::done) [[unlikely]]
        return complete_removed(done, removed);
    publish_end(done);
}

[[gnu::noinline, gnu::cold]] void worker::complete_removed(task_header& done, list_try removed) noexcept {
    if (removed == list_try::locked)
        core_.tasks().unlock(done);
    else
        core_.tasks().remove(done);
    publish_end(done);
}

[[gnu::always_inline]] inline void worker::publish_end(task_header& done) noexcept {
    // Before its joiner knows: who has awaited all tasks counts none alive.
    if (core_.census().count_end(census_counter_)) [[unlikely]]
        return complete_closely(done);
    const std::uint64_t state = states::to_complete(done.state);
    if ((state & states::join_waker) == 0) {
        if ((state & states::join_interest) == 0) return end_unwanted(done);
        return end_unawaited(done, state);
    }
    if (done.joiner.table() != &task_waker_table) [[unlikely]]
        return tell_end(done, state);
    // A copy: the slot is read by the handle still, and what it held is gone with the wake-up.
    task_header& waiting = task_of(done.joiner.data());
    if (waiting.home != &core_) [[unlikely]]
        return tell_end(done, state);
    switch (states::wake_and_drop(waiting.state)) {
        case last_wake_action::schedule: return end_and_schedule(done, state, waiting);
        case last_wake_action::nothing: break;
        case last_wake_action::drop_reference: return drop_both(done, state, waiting);
    }
    if (gives_up_last(done, state)) free_block(done);
}

// Two references: only those who hold one add one, so if all are ours, they stay so.
[[gnu::always_inline]] inline bool worker::gives_up_last(task_header& done, std::uint64_t state) noexcept {
    return states::reference_count(state) == 2 || states::drop_some(done.state, 2);
}

[[gnu::always_inline]] inline void worker::end_and_schedule(task_header& done, std::uint64_t state,
                                                            task_header& waiting) noexcept {
    const bool is_last = gives_up_last(done, state);
    if (runnable* const displaced = slot_.replace(&waiting, budget_.deadline)) [[unlikely]]
        return push_back_and_free(*displaced, is_last ? &done : nullptr);
    if (is_last) free_block(done);
}

[[gnu::noinline]] void worker::push_back_and_free(runnable& displaced, task_header* done) noexcept {
    push_back(displaced);
    if (done != nullptr) free_block(*done);
}

[[gnu::noinline]] void worker::drop_both(task_header& done, std::uint64_t state, task_header& waiting) noexcept {
    drop_task_references(waiting, 1);
    if (gives_up_last(done, state)) free_block(done);
}

// The result is published: tells whoever waits for it, or that nobody does.
[[gnu::noinline]] void worker::tell_end(task_header& done, std::uint64_t state) noexcept {
    if ((state & states::join_waker) == 0) return end_unawaited(done, state);
    waker(done.joiner.data(), done.joiner.table()).wake();
    if (gives_up_last(done, state)) free_block(done);
}

[[gnu::noinline]] void worker::end_unawaited(task_header& done, std::uint64_t state) noexcept {
    if ((state & states::join_interest) == 0) return end_unwanted(done);
    if (gives_up_last(done, state)) free_block(done);
}

[[gnu::noinline]] void worker::end_unwanted(task_header& done) noexcept {
    done.drop_value();
    if (states::drop_references(done.state, 2)) free_block(done);  // the word again, not kept during the call
}

[[gnu::noinline, gnu::cold]] void worker::complete_closely(task_header& done) noexcept {
    look_closely_at_end();
    tell_end(done, states::to_complete(done.state));
}

void worker::complete_task(task_header& done) noexcept { complete_here(done); }

[[gnu::noinline]] void worker::complete_failed(task_header& done) noexcept {
    set_task(nullptr);
    if (done.was_linked()) core_.tasks().remove(done);
    if (core_.census().count_end(census_counter_)) [[unlikely]]
        look_closely_at_end();
    const task_id failed_task = failed;
    keep_exception(done);
    const std::uint64_t state = states::to_complete(done.state);
    if ((state & states::join_interest) != 0) return tell_end(done, state);
    drop_unseen(done, failed_task, state);
    if (gives_up_last(done, state)) free_block(done);
}

[[gnu::noinline, gnu::cold]] void worker::look_closely_at_end() noexcept {
    end_reported_poll(nullptr);
    if (core_.census().ended_closely()) core_.all_tasks_have_ended();  // this worker goes on to the end of what it does
}

[[gnu::noinline, gnu::cold]] void worker::keep_exception(task_header& done) noexcept {
    core_.add_owner();  // for the report, if nobody takes it; by then the runtime may be gone
    done.keep_failed_id(failed.value);
    failed = task_id();
}

void worker::drop_unseen(task_header& done, task_id failed_task, std::uint64_t state) noexcept {
    std::exception_ptr unseen = done.drop_result();
    core_.report_unhandled(failed_task, std::move(unseen), (state & states::cancelled) != 0);
    core_.drop_owner();
}

// --- polling -------------------------------------------------------------------------------------------------------------

void worker::set_poll_waker(task_header& polled) noexcept { poll_waker_.point_at(&polled); }

[[gnu::always_inline]] inline void worker::begin_task(task_header& polled) noexcept {
    set_poll_waker(polled);
    budget_.refill();
    static_cast<poll_state&>(*this) = begun_poll_;
    set_stamp(processor_ticks() + slice_ticks_);
    set_task(&polled);  // last: who sees the task sees whose stamp it is
    count_.polls.add(1);
}

void worker::begin_poll(task_header& polled) noexcept { begin_task(polled); }

// The runtime is ending, and the task has never waited: nobody else will cancel it.
[[gnu::always_inline]] inline bool worker::finds_it_too_late(const task_header& polled) const noexcept {
    return !polled.was_linked() && core_.is_ending();
}

// The task has answered pending, and what it waits for has its own waker.
[[gnu::always_inline]] inline void worker::park_here(task_header& polled) noexcept {
    if (!polled.was_linked()) return park_first_time(polled);
    park_linked(polled);
}

[[gnu::always_inline]] inline void worker::park_linked(task_header& polled) noexcept {
    set_task(nullptr);
    if (!gate_.is_open()) [[unlikely]]
        return park_reported(polled);
    make_idle(polled);
}

[[gnu::always_inline]] inline void worker::make_idle(task_header& polled) noexcept {
    switch (states::to_idle(polled.state, has_woken_itself)) {
        case idle_action::parked:
        case idle_action::parked_last: return;
        // To the back: a task that wakes itself lets the others go first.
        case idle_action::reschedule: return push_back(polled);
        case idle_action::cancel: return cancel_task(polled);
    }
}

[[gnu::noinline]] void worker::park_first_time(task_header& polled) noexcept {
    if (const list_try inserted = core_.tasks().try_insert(polled); inserted != list_try::done) [[unlikely]]
        return insert_and_park(polled, inserted);
    park_linked(polled);
}

[[gnu::noinline, gnu::cold]] void worker::insert_and_park(task_header& polled, list_try inserted) noexcept {
    if (inserted == list_try::locked) core_.tasks().unlock(polled);
    if (!core_.tasks().insert(polled)) return cancel_task(polled);
    park_linked(polled);
}

[[gnu::noinline]] void worker::park_reported(task_header& polled) noexcept {
    end_reported_poll(unit);
    make_idle(polled);
}

void worker::park_task(task_header& polled) noexcept { park_here(polled); }

[[gnu::noinline, gnu::cold]] void worker::cancel_task(task_header& polled) noexcept {
    set_task(&polled);
    polled.destroy_future(*this);
    complete_cancelled(polled);
}

void worker::complete_cancelled(task_header& polled) noexcept {
    if (core_.is_ending()) count_.cancelled.add(1);
    polled.set_cancelled();
    complete_task(polled);
}

void worker::end_poll(task_header& polled, poll_end end) noexcept {
    switch (end) {
        case poll_end::finished: complete_task(polled); break;
        case poll_end::abandoned: complete_cancelled(polled); break;
        case poll_end::moved: let_go(nullptr); break;
        case poll_end::pending:
            if (unit->kind() >= frame_kind::forked)
                forked_unit::park(*unit, *this);
            else
                park_task(polled);
            set_task(nullptr);
            break;
    }
}

[[gnu::noinline]] void worker::end_forking_poll(task_header& polled, poll_end end) noexcept {
    end_poll(polled, end);
    run_forks_left();
}

void future_cell_base::run(execution& execution) noexcept {
    auto& self = static_cast<worker&>(execution);
    const run_action action = states::to_running(state);
    self.begin_task(*this);
    self.unit = nullptr;  // no frames wait for what the future waits for
    if (action == run_action::cancel || self.finds_it_too_late(*this)) [[unlikely]]
        self.cancel_task(*this);
    else if (poll(self))
        self.complete_task(*this);
    else
        self.park_task(*this);
}

// In parts that are each other's last calls: so each saves only the registers that it needs itself. They take the execution, not the
// worker that it is the part of: compilers would keep both.

void coroutine_task_base::run(execution& execution) noexcept {
    auto& self = static_cast<worker&>(execution);
    const run_action action = states::to_running(state);
    self.begin_task(*this);
    if (action == run_action::cancel) [[unlikely]]
        return cancel(execution);
    return promise().innermost != nullptr ? run_waiting(execution) : run_first(execution);
}

// It waits itself, and not a forked child of it.
[[gnu::always_inline]] inline bool coroutine_task_base::is_pending(const execution& execution) const noexcept {
    return execution.suspension == suspension_kind::pending && execution.unit == &promise();
}

[[gnu::noinline, gnu::cold]] void coroutine_task_base::cancel(execution& execution) noexcept {
    static_cast<worker&>(execution).cancel_task(*this);
}

[[gnu::noinline]] void coroutine_task_base::run_first(execution& execution) noexcept {
    if (static_cast<worker&>(execution).core().is_ending()) [[unlikely]]  // as finds_it_too_late()
        return cancel(execution);
    std::coroutine_handle<>::from_address(frame()).resume();  // as resume_once(), in a poll that has just begun
    // It is the task's root: once it has ended, so has the task, and before that nobody asks who has awaited it.
    if (execution.suspension == suspension_kind::none) [[likely]]
        return static_cast<worker&>(execution).complete_here(*this);
    if (is_pending(execution)) return static_cast<worker&>(execution).park_here(*this);
    go_on(execution, 0);
}

// As poll_waiting().
[[gnu::noinline]] void coroutine_task_base::run_waiting(execution& execution) noexcept {
    suspension_point& point = *promise().innermost;
    void* const resumed = point.frame;
    const wait_end end = point.poll_again(point, *execution.current);
    if (end != wait_end::ready) [[unlikely]]
        return still_waiting(execution, end);
    const std::uintptr_t up = promise_at(resumed).up;
    std::coroutine_handle<>::from_address(resumed).resume();
    if (is_pending(execution)) return static_cast<worker&>(execution).park_here(*this);
    if (execution.suspension == suspension_kind::none && (up & frame_kind_mask) == std::uintptr_t(frame_kind::spawned))
        return static_cast<worker&>(execution).complete_here(*this);
    go_on(execution, up);
}

[[gnu::noinline]] void coroutine_task_base::still_waiting(execution& execution, wait_end end) noexcept {
    auto& self = static_cast<worker&>(execution);
    execution.unit = &promise();
    if (end == wait_end::pending) return self.park_here(*this);
    self.end_forking_poll(*this, go_on_after_end(execution, execution.ended_up));
}

[[gnu::noinline]] void coroutine_task_base::go_on(execution& execution, std::uintptr_t up) noexcept {
    static_cast<worker&>(execution).end_forking_poll(*this, drive_on(execution, up));
}

}  // namespace pollux::inline v0::detail
