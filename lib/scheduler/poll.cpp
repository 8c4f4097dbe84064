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
#include "pollux/core/block_cache.hpp"
#include "pollux/coro/frame.hpp"
#include "scheduler/forked_unit.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/task_state.hpp"
#include "scheduler/task_waker.hpp"
#include "scheduler/thread_hooks.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

namespace {

using states = task_state<std_sync>;

task_header& task_of(void* data) noexcept { return *static_cast<task_header*>(data); }

runtime_core& core_of(task_header& task) noexcept { return *static_cast<runtime_core*>(task.home); }

// The block's size and the place of the header in it, in the queue link of a header whose future is gone.
constexpr unsigned offset_bits = 16;

void free_block(task_header& task) noexcept {
    const auto packed = reinterpret_cast<std::uintptr_t>(task.next);
    const std::size_t bytes = packed >> offset_bits;
    const std::size_t offset = (packed & ((1u << offset_bits) - 1)) * frame_alignment;
    give_block(reinterpret_cast<char*>(&task) - offset, bytes);
}

}  // namespace

// --- queueing ----------------------------------------------------------------------------------------------------------------

void worker::schedule_local(runnable& item) noexcept {
    // Without thieves the slot would only let a task go before its turn.
    if (!core_.has_threads()) return push_back(item);
    if (runnable* const displaced = slot_.replace(&item, interval_start_ == 0 ? 0 : ticks_now())) push_back(*displaced);
}

void worker::push_back(runnable& item) noexcept {
    overflow_to_injection overflow{*this};
    queue_.push(&item, overflow);
    publish_local_push();
}

void runtime_core::schedule_any(runnable& item) noexcept {
    if (worker* const mine = this_worker(); mine != nullptr && &mine->core() == this) {
        mine->schedule_local(item);
        return;
    }
    schedule_from_outside(item);
}

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
    [](void* data) noexcept { drop_task_references(task_of(data), 1); },
    [](const void* data) noexcept { return data; },
};

void block_ended(task_header& header, void* block, std::size_t bytes) noexcept {
    const auto offset = static_cast<std::size_t>(reinterpret_cast<char*>(&header) - static_cast<char*>(block));
    header.next = reinterpret_cast<runnable*>(bytes << offset_bits | offset / frame_alignment);
    header.ended();
}

void drop_task_references(task_header& task, unsigned count) noexcept {
    if (states::drop_references(task.state, count)) free_block(task);
}

void wake_task(task_header& task) noexcept {
    if (states::wake(task.state) == wake_action::schedule) core_of(task).schedule_any(task);
}

void abort_task(task_header& task) noexcept {
    if (states::abort(task.state) == wake_action::schedule)
        core_of(task).schedule_any(task);
    else
        forked_unit::wake_all_of(task);
}

void complete_task(task_header& task, task_id failed) noexcept {
    runtime_core& core = core_of(task);
    const bool holds_exception = failed.value != 0;
    if (holds_exception) core.add_owner();  // for the report, if nobody takes it; by then the runtime may be gone
    const bool was_last = core.tasks().remove(task);
    if (holds_exception) task.failed_id = failed.value;
    const std::uint64_t state = states::to_complete(task.state);
    if ((state & states::join_interest) == 0) {
        if (std::exception_ptr unseen = task.drop_result())
            core.report_unhandled(failed, std::move(unseen), (state & states::cancelled) != 0);
        if (holds_exception) core.drop_owner();
    } else if ((state & states::join_waker) != 0) {
        task.joiner.wake();
        if (states::return_join_waker_slot(task.state)) task.joiner = waker();
    }
    drop_task_references(task, 2);
    if (was_last) core.all_tasks_have_ended();
}

// --- polling -------------------------------------------------------------------------------------------------------------

void worker::set_poll_waker(task_header& polled) noexcept {
    poll_waker_.forget();
    ::new (static_cast<void*>(&poll_waker_)) waker(&polled, &task_waker_table);
}

void worker::begin_poll(task_header& polled) noexcept {
    task = &polled;
    unit = nullptr;
    current = &poll_context_;
    can_fork = false;
    set_poll_waker(polled);
    budget_.chunk_left = poll_budget::chunk;
    budget_.units_left = poll_budget::units_per_poll - poll_budget::chunk;
    budget_.deadline = ticks_now() + slice_ticks_;
    failed = task_id();
    count_.polls.add(1);
}

void worker::end_poll(task_header& polled, poll_end end) noexcept {
    switch (end) {
        case poll_end::finished:
            task = nullptr;
            complete_task(polled, failed);
            break;
        case poll_end::abandoned:
            task = nullptr;
            polled.set_cancelled();
            complete_task(polled, task_id());
            break;
        case poll_end::moved: break;
        case poll_end::pending: {
            if (unit != nullptr && unit->kind() >= frame_kind::forked) {
                forked_unit::park(*unit, *this);
                break;
            }
            switch (states::to_idle(polled.state)) {
                case idle_action::parked:
                case idle_action::parked_last: break;
                case idle_action::reschedule:
                    push_back(polled);  // to the back: a task that wakes itself lets the others go first
                    break;
                case idle_action::cancel:
                    polled.destroy_future(*this);
                    end_poll(polled, poll_end::abandoned);
                    break;
            }
            break;
        }
    }
    task = nullptr;
}

void task_header::run(execution& execution) noexcept {
    auto& self = static_cast<worker&>(execution);
    switch (states::to_running(state)) {
        case run_action::run: {
            self.begin_poll(*this);
            const poll_end end = poll(self);
            if (end == poll_end::finished) [[likely]] {
                self.task = nullptr;
                complete_task(*this, self.failed);
            } else {
                self.end_poll(*this, end);
            }
            break;
        }
        case run_action::cancel:
            self.begin_poll(*this);
            destroy_future(self);
            self.end_poll(*this, poll_end::abandoned);
            break;
    }
}

}  // namespace pollux::inline v0::detail
