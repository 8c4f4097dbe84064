// SPDX-License-Identifier: MIT
// One task's way through a worker: it is queued, taken, polled, and parked or ended. These functions call each other on the way of
// every task, so they stand in one file, where the compiler can make one function of them (spawn and join: 1,310 instructions
// before, see bench/README.md).
//
// The order of the steps at the end is the contract that handles rely on: the future is destroyed, the task leaves the list, the
// result is published, the joiner is woken, the references are given up.
#include <cstddef>
#include <utility>

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
#include "scheduler/thread_hooks.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

namespace {

using states = task_states;

task_header& task_of(void* data) noexcept { return *static_cast<task_header*>(data); }

runtime_core& core_of(task_header& task) noexcept { return *static_cast<runtime_core*>(task.home); }

// The block's shelf and the place of the header in it, in the queue link of a header whose future is gone.
constexpr unsigned shelf_bits = 6;
static_assert(block_cache::shelf_count < 1u << shelf_bits);

void free_block(task_header& task) noexcept {
    const auto packed = reinterpret_cast<std::uintptr_t>(task.next);
    give_block_to_shelf(reinterpret_cast<char*>(&task) - (packed >> shelf_bits), packed & ((1u << shelf_bits) - 1));
}

}  // namespace

// --- queueing ----------------------------------------------------------------------------------------------------------------

[[gnu::always_inline]] inline void worker::schedule_local(runnable& item) noexcept {
    // The stamp tells when this poll has begun, a slice late (see steal_slot()): reading a clock costs more than a theft that
    // comes too soon.
    if (runnable* const displaced = slot_.replace(&item, budget_.deadline)) push_back(*displaced);
}

// As schedule_local(). Always true: so the rare paths are the last calls of start(), which need not save anything.
[[gnu::always_inline]] inline bool worker::schedule_spawned(runnable& item) noexcept {
    runnable* const displaced = slot_.replace(&item, budget_.deadline);
    return displaced == nullptr || push_back_spawned(*displaced);
}

[[gnu::noinline]] bool worker::push_back_spawned(runnable& item) noexcept {
    push_back(item);
    return true;
}

void worker::push_back(runnable& item) noexcept {
    overflow_to_injection overflow{*this};
    queue_.push(&item, overflow);
    publish_local_push();
}

[[gnu::always_inline]] inline void runtime_core::schedule_here(runnable& item) noexcept {
    if (worker* const mine = this_worker(); mine != nullptr && &mine->core() == this) {
        mine->schedule_local(item);
        return;
    }
    schedule_from_outside(item);
}

void runtime_core::schedule_any(runnable& item) noexcept { schedule_here(item); }

bool runtime_core::start(task_header& task) noexcept {
    task.home = this;
    task.state.store(states::initial(true), std::memory_order::relaxed);  // the queue publishes it
    worker* const mine = this_worker();
    if (mine == nullptr || &mine->core() != this) [[unlikely]]
        return accept_from_outside() && (schedule_from_outside(task), true);
    // Outside of a task, in a hook or a waker, the worker may be about to be told that all tasks have ended.
    if (mine->task == nullptr) [[unlikely]]
        return accept_from_outside() && mine->schedule_spawned(task);
    return census_.spawned_in_task(mine->census_counter_) && mine->schedule_spawned(task);
}

[[gnu::noinline]] bool runtime_core::accept_from_outside() noexcept {
    if (is_in_child()) return false;
    switch (census_.spawned_elsewhere(this_thread_number())) {
        case spawn_answer::accepted: return true;
        case spawn_answer::refused: return false;
        case spawn_answer::refused_and_all_ended: all_tasks_have_ended(); return false;
    }
    __builtin_unreachable();
}

bool start_task(runtime_core& core, task_header& task) noexcept { return core.start(task); }

void runtime_core::schedule_from_outside(runnable& item) noexcept {
    visitor_count& visit = visitors_[this_thread_number() % visitor_counts];
    // Relaxed: the push publishes it, and the end of the runtime comes after the pop.
    visit.now.fetch_add(1, std::memory_order::relaxed);
    visit.pushed.fetch_add(1, std::memory_order::relaxed);  // a metric
    injection_.push(&item);
    if (const auto sleeper = idle_.after_push()) unpark(*sleeper);
    visit.now.fetch_sub(1, std::memory_order::release);  // pairs with wait_for_visitors()
}

// --- waking and ending ---------------------------------------------------------------------------------------------------

const waker_table task_waker_table{
    [](void* data) noexcept { states::add_reference(task_of(data).state); },
    [](void* data) noexcept { wake_task(task_of(data)); },
    [](void* data) noexcept { wake_and_drop_task(task_of(data)); },
    [](void* data) noexcept { drop_task_references(task_of(data), 1); },
    [](const void* data) noexcept { return data; },
};

void task_header::block_ended(void* block, std::size_t shelf) noexcept {
    const auto offset = static_cast<std::size_t>(reinterpret_cast<char*>(this) - static_cast<char*>(block));
    next = reinterpret_cast<runnable*>(offset << shelf_bits | shelf);
}

void task_ops::drop_reference(task_header& task) noexcept {
    if (states::drop_reference(task.state)) free_block(task);
}

void drop_task_references(task_header& task, unsigned count) noexcept {
    if (states::drop_references(task.state, count)) free_block(task);
}

void wake_task(task_header& task) noexcept {
    if (states::wake(task.state) == wake_action::schedule) core_of(task).schedule_here(task);
}

void wake_and_drop_task(task_header& task) noexcept {
    switch (states::wake_and_drop(task.state)) {
        case last_wake_action::nothing: break;
        case last_wake_action::schedule: core_of(task).schedule_here(task); break;
        case last_wake_action::drop_reference: drop_task_references(task, 1); break;
    }
}

void abort_task(task_header& task) noexcept {
    if (states::abort(task.state) == wake_action::schedule)
        core_of(task).schedule_any(task);
    else
        forked_unit::wake_all_of(task);
}

// The waker of a handle that waits: mostly that of a task of this runtime.
[[gnu::always_inline]] inline void worker::wake_joiner(task_header& done) noexcept {
    // A copy of its words: the slot is read by the handle still, and what it held is gone with the wake-up.
    waker joiner(done.joiner.data(), done.joiner.table());
    if (joiner.table() != &task_waker_table) [[unlikely]]
        return std::move(joiner).wake();
    task_header& waiting = task_of(joiner.data());
    joiner.forget();
    switch (states::wake_and_drop(waiting.state)) {
        case last_wake_action::schedule:
            if (waiting.home == &core_) [[likely]]
                schedule_local(waiting);
            else
                core_of(waiting).schedule_any(waiting);
            break;
        case last_wake_action::nothing: break;
        case last_wake_action::drop_reference: drop_task_references(waiting, 1); break;
    }
}

// The end of a poll, in which the task is the worker's still. `waiting`: as in report_end_of_poll().
[[gnu::always_inline]] inline void worker::let_go_here(promise_base* waiting) noexcept {
    set_task(nullptr);
    if (!gate_.is_open()) [[unlikely]]
        end_reported_poll(waiting);
}

void worker::let_go(promise_base* waiting) noexcept { let_go_here(waiting); }

[[gnu::always_inline]] inline void worker::complete_here(task_header& done) noexcept {
    set_task(nullptr);
    if (done.was_linked()) core_.tasks().remove(done);
    // Before its joiner knows: who has awaited all tasks counts none alive.
    if (core_.census().count_end(census_counter_)) [[unlikely]]
        look_closely_at_end();
    const task_id failed_task = failed;
    if (failed_task.value != 0) [[unlikely]]
        keep_exception(done);
    const std::uint64_t state = states::to_complete(done.state);
    if ((state & states::join_waker) != 0) [[likely]]
        wake_joiner(done);
    else if ((state & states::join_interest) == 0)
        drop_unseen(done, failed_task, state);
    // Only those who hold one add one: if all are ours, they stay so.
    if (states::reference_count(state) == 2 || states::drop_some(done.state, 2)) free_block(done);
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

[[gnu::noinline]] void worker::drop_unseen(task_header& done, task_id failed_task, std::uint64_t state) noexcept {
    std::exception_ptr unseen = done.drop_result();
    if (failed_task.value == 0) return;
    core_.report_unhandled(failed_task, std::move(unseen), (state & states::cancelled) != 0);
    core_.drop_owner();
}

void worker::complete_task(task_header& done) noexcept { complete_here(done); }

// --- polling -------------------------------------------------------------------------------------------------------------

void worker::set_poll_waker(task_header& polled) noexcept {
    poll_waker_.forget();
    ::new (static_cast<void*>(&poll_waker_)) waker(&polled, &task_waker_table);
}

[[gnu::always_inline]] inline void worker::begin_task(task_header& polled) noexcept {
    set_poll_waker(polled);
    budget_.chunk_left = poll_budget::chunk;
    budget_.units_left = poll_budget::units_per_poll - poll_budget::chunk;
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
    if (!polled.was_linked() && !core_.tasks().insert(polled)) [[unlikely]]
        return cancel_task(polled);
    let_go_here(unit);
    switch (states::to_idle(polled.state)) {
        case idle_action::parked:
        case idle_action::parked_last: break;
        case idle_action::reschedule:
            push_back(polled);  // to the back: a task that wakes itself lets the others go first
            break;
        case idle_action::cancel: cancel_task(polled); break;
    }
}

void worker::park_task(task_header& polled) noexcept { park_here(polled); }

void worker::cancel_task(task_header& polled) noexcept {
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

void coroutine_task_base::run(execution& execution) noexcept {
    auto& self = static_cast<worker&>(execution);
    const run_action action = states::to_running(state);
    self.begin_task(*this);
    if (action == run_action::cancel) [[unlikely]]
        return self.cancel_task(*this);
    self.can_fork = true;
    promise_base& root = promise();
    poll_end end;
    if (root.innermost != nullptr) {
        end = poll_waiting(self, root, *self.current);
    } else if (self.core().is_ending()) [[unlikely]] {  // as finds_it_too_late()
        return self.cancel_task(*this);
    } else {
        end = resume_frame(self, frame());
    }
    if (end == poll_end::finished) [[likely]]
        self.complete_here(*this);
    else if (end == poll_end::pending && self.unit == &root)
        self.park_here(*this);
    else
        self.end_poll(*this, end);
}

}  // namespace pollux::inline v0::detail
