// SPDX-License-Identifier: MIT
// See worker.hpp. What a worker does when its queues are empty is in worker_search.cpp, what it owes the watchdog in worker_watch.cpp,
// what it does with forks in worker_forks.cpp.
#include "scheduler/worker.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#include "core/platform.hpp"
#include "core/prefetch.hpp"
#include "core/stand_back.hpp"
#include "pollux/core/task_state.hpp"
#include "scheduler/forked_unit.hpp"
#include "scheduler/task_waker.hpp"

namespace pollux::inline v0::detail {

namespace {

using states = task_states;

// Polls of the next slot in a row. Tokio's, picked by feel there; with fewer, a pair of tasks that talk loses its warm data,
// with more it holds up the run queue.
constexpr unsigned most_slot_polls = 3;
// The time between two looks at the injection queue, in microseconds: what a task from outside waits at least behind a busy
// worker. The number of polls that fit in it is measured.
constexpr std::uint64_t injection_interval_us = 200;
constexpr std::uint32_t least_interval = 2, first_interval = 61, most_interval = 127;
// A sleeper is woken for events behind which the last task would wait so long, in microseconds, if polls are as they were in the last
// stretches: until it polls takes 20 to 32 (bench/foreign_wake), and from then on both find fewer events each time that they look.
// With 50 connections of bench/echo, two workers and help for any two events took 1.31 of a raw loop's CPU a request, from 50 on 1.11, from
// 100 on 1.10 and 1.12, 200: 1.08, 400: 1.09 and 1.06; and a p99 of 1.63 and 2.44, 200: 1.53, 400: 1.19 and 1.26. With 10 and with 200
// connections 100 and 400 differ by less than the rounds.
constexpr std::uint64_t help_us = 400;
constexpr double stretches_remembered = 32;

constinit std::atomic<std::uint64_t> always_one{1}, nobody{0};

}  // namespace

worker::worker(runtime_core& core, unsigned index, std::uint64_t seed, bool asymmetric)
    : forking_execution(asymmetric),
      core_(core),
      index_(index),
      census_counter_(core.census().of_worker(index)),
      poll_context_(poll_waker_, &budget_),
      fork_context_(fork_waker_, &budget_),
      slice_ticks_(core.slice_ticks()),
      gate_(asymmetric),
      interval_(first_interval),
      help_ticks_(static_cast<double>(core.ticks_per_ms() * help_us) / 1000),
      random_(seed | 1),
      ticks_per_ms_(core.ticks_per_ms()),
      most_slot_polls_(core.uses().next_slot ? most_slot_polls : 0),
      own_wheel_(index < core.options().workers ? new sleep_wheel(index, core.options().timer_tick) : nullptr),
      wheel_(own_wheel_.get()) {
    ::new (static_cast<void*>(&poll_waker_)) waker(nullptr, &task_waker_table);  // nothing here throws any more
    slot_polls_left_ = most_slot_polls_;
    begun_poll_ = *this;
    begun_poll_.can_fork = true;
    worker_of = &core;
    runtime = &core;
    // In a simulation a push always asks: that is where another worker may go on.
    sleepers = core.is_simulated() ? &always_one : &core.idle().any_sleeper_word();
    current = &poll_context_;
    budget_.runtime = &core;
    budget_.is_limited = true;
    budget_.deadline = asleep_stamp;
    budget_.forced_yields = &count_.forced_yields;
}

worker::~worker() {
    poll_waker_.forget();
    fork_waker_.forget();
}

worker::entered::entered(worker& self) noexcept
    : scope_(self),
      outer_blocks_(std::exchange(current_blocks, block_cache::for_thread(self.blocks_))),
      outer_stands_back_(std::exchange(stands_back, self.core_.uses().standing_back)) {}

worker::entered::~entered() {
    current_blocks = outer_blocks_;
    stands_back = outer_stands_back_;
}

// --- the loop ----------------------------------------------------------------------------------------------------------------

// False: there is none. With an answer beside the item, which the loop need not be asked for again: 2 instructions.
[[gnu::always_inline]] inline bool worker::next(runnable*& item) noexcept {
    if (polls_left_-- == 0) [[unlikely]]
        if ((item = next_when_due()) != nullptr) return true;  // it begins a new interval
    if ((item = slot_.take()) != nullptr) {
        if (slot_polls_left_-- != 0) [[likely]]
            return true;
        slot_polls_left_ = most_slot_polls_;
        if (queue_.looks_empty()) return true;  // nobody waits behind it
        push_back(*item);
    }
    slot_polls_left_ = most_slot_polls_;
    if ((item = queue_.pop()) != nullptr) return true;
    item = next_when_empty();
    return item != nullptr;
}

// Once in an interval: the sleeps, events, and the injection queue before the own ones.
runnable* worker::next_when_due() noexcept {
    end_stretch();
    fire_sleeps();
    if (!std::exchange(has_just_looked_, false) && core_.uses().driver_looks) look_for_events();
    runnable* const item = core_.injection().pop(index_);
    if (std::exchange(has_events_, false)) {
        // One of all these this worker is about to run itself.
        const std::size_t waiting = queue_.size() + (slot_.looks_empty() ? 0 : 1) + (item != nullptr ? 1 : 0);
        if (waiting > 1 && static_cast<double>(waiting - 1) * recent_ticks_ >= help_ticks_ * recent_polls_)
            publish_local_push();
    }
    stretch_start_ = ticks_now();
    polls_left_ = interval_;
    return item;
}

// Everything here is done: whatever comes from elsewhere comes with a look at the sleeps.
runnable* worker::next_when_empty() noexcept {
    fire_sleeps();
    if (runnable* const item = slot_.take()) return item;
    if (runnable* const item = queue_.pop()) return item;
    return from_injection();
}

bool worker::run_one() noexcept {
    // Without thieves the slot would only let a task go before its turn.
    if (runnable* const item = slot_.take()) push_back(*item);
    move_from_injection();
    runnable* item;
    if (!next(item)) return false;
    leave_search();
    may_rest_ = false;
    item->run(*this);
    return true;
}

void worker::run_until_stopped() noexcept {
    const entered scope(*this);
    probe_.take_this_thread();
    be_awake(awake_stamp);
    if (core_.is_simulated()) return run_one_by_one();
    while (!core_.should_stop()) {
        runnable* item;
        if (!next(item)) item = search();
        if (item == nullptr) {
            park();
            continue;
        }
        leave_search();
        may_rest_ = false;
        do item->run(*this);
        while (next(item));
    }
    leave_search();
    set_stamp(asleep_stamp);
}

void worker::drive_until_stopped() noexcept {
    const entered scope(*this);
    while (!core_.should_stop())
        if (!run_one()) park();
}

// The loop above, with a look before each item: whether this one is relieved (it is awake then, see stand_ins.hpp), and in a simulation
// at whose turn it is.
// Its way to an item is written out in both: as a function it made the loop above 2 instructions longer (spawn and join 551, not 549).
void worker::run_one_by_one() noexcept {
    while (!core_.should_stop() &&
           !is_relieved_.load(std::memory_order::relaxed)) {  // the token for a sleeper publishes it
        yield_point("worker: between two items");
        runnable* item;
        if (!next(item)) item = search();
        if (item == nullptr) {
            park();
            continue;
        }
        leave_search();
        may_rest_ = false;
        if (core_.is_simulated()) {
            // As if another worker had stolen those behind it, and were sooner.
            if (!queue_.looks_empty() && current_platform->prefers_later_ones()) {
                push_back(*item);
                continue;
            }
            current_platform->runs(*item);
        }
        item->run(*this);
    }
    leave_search();
}

void worker::run_until_relieved() noexcept {
    const entered scope(*this);
    probe_.take_this_thread();
    be_awake(awake_stamp);
    run_one_by_one();
    while (runnable* const item = slot_.take()) give_to_others(*item);
    while (runnable* const item = queue_.pop()) give_to_others(*item);
    submit();
    end_stretch();  // it rests, maybe for long
    polls_left_ = 0;
    set_stamp(asleep_stamp);
    core_.wheel_has_earlier(*wheel_);
}

void worker::give_to_others(runnable& item) noexcept {
    core_.injection().push(&item);
    if (const auto sleeper = core_.idle().after_push()) core_.unpark(*sleeper);
}

// Without other workers there is one queue: what comes from outside goes to its back at once, so that each task has its turn.
void worker::move_from_injection() noexcept {
    overflow_to_injection overflow{*this};
    for (std::uint32_t room = queue_.free_slots(); room > run_queue_slots / 2; --room) {
        runnable* const item = core_.injection().looks_empty() ? nullptr : core_.injection().pop(index_);
        if (item == nullptr) return;
        queue_.push(item, overflow);
    }
}

// A share of what waits there, at most half of what this queue holds: see run_queue.
runnable* worker::from_injection() noexcept {
    auto& injection = core_.injection();
    if (injection.looks_empty()) return nullptr;
    constexpr std::size_t most = run_queue_slots / 2;
    std::array<runnable*, most> batch;
    const std::size_t share = injection.approximate_size() / core_.worker_count() + 1;
    const std::size_t n = injection.pop_batch(index_, batch.data(), std::min(share, most));
    if (n == 0) return nullptr;
    // Another thread has written them: what is behind their links, the head of a frame, is fetched while the first ones are polled. A tenth
    // of the time of tasks that are spawned from outside.
    for (std::size_t i = 0; i != n; ++i) prefetch_to_write(batch[i], cache_line);
    overflow_to_injection overflow{*this};
    for (std::size_t i = 1 + queue_.push_some(batch.data() + 1, static_cast<std::uint32_t>(n - 1)); i < n; ++i)
        queue_.push(batch[i], overflow);
    if (n > 1) publish_local_push();
    return batch[0];
}

// Behind polls without a sleep or a look elsewhere between them: how long were they? At the end of an interval polls_left_ has wrapped
// round.
void worker::end_stretch() noexcept {
    const std::uint64_t start = std::exchange(stretch_start_, 0);
    const std::uint32_t polls = interval_ - polls_left_;
    if (start == 0 || polls == 0) return;
    const std::uint64_t ticks = ticks_now() - start;
    recent_ticks_ += static_cast<double>(ticks) - recent_ticks_ / stretches_remembered;
    recent_polls_ += polls - recent_polls_ / stretches_remembered;
    if (!core_.uses().tuned_interval) return;
    const std::uint64_t per_poll = std::max<std::uint64_t>(ticks / polls, 1);
    const auto fits = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
        ticks_per_ms_ * injection_interval_us / 1000 / per_poll, least_interval, most_interval));
    // Smoothed, so that one long poll does not make the next hundred short ones pay.
    interval_ = std::max(least_interval, (3 * interval_ + fits) / 4);
}

void worker::fire_sleeps() noexcept {
    if (wheel_->looks_unused()) return;
    if (core_.has_threads()) {
        // What has no room here would be cold again when it comes to its poll. It is due next time, so it keeps its place behind these.
        wheel_->fire(steady_now(), std::max<std::size_t>(queue_.free_slots(), run_queue_slots / 2));
        return;
    }
    wheel_->fire(steady_now());
    // The last one stands in the slot, before those that were due earlier.
    if (runnable* const item = slot_.take()) push_back(*item);
}

void worker::submit() noexcept {
    if (event_driver* const driver = core_.driver()) driver->submit();
}

bool worker::look_for_events() noexcept {
    event_driver* const driver = core_.driver();
    if (driver == nullptr) return false;
    if (!driver->try_enter()) {
        driver->submit();
        return false;
    }
    driver->wait(event_driver::time_point::min());
    return hand_out_events(*driver);
}

// It is awake, so what it pushes it pushes as everybody does, but asks for help once, when it knows how much came: see next_when_due().
bool worker::hand_out_events(event_driver& driver) noexcept {
    const auto* const asked = sleepers;
    if (core_.uses().counted_events) sleepers = &nobody;
    const bool were_some = driver.hand_out();
    driver.leave();
    if (were_some) {
        // The last one has come into the slot, before those whose events were first.
        if (runnable* const item = slot_.take()) push_back(*item);
        has_events_ = core_.uses().counted_events;
    }
    sleepers = asked;
    return were_some;
}

// --- pushing -----------------------------------------------------------------------------------------------------------------

void worker::overflow_to_injection::push(runnable* item) noexcept { push_batch(&item, 1); }

void worker::overflow_to_injection::push_batch(runnable** items, std::size_t n) noexcept {
    self.count_.overflows.add(1);
    self.core_.injection().push_batch(items, n);
    if (const auto sleeper = self.core_.idle().after_push()) self.core_.unpark(*sleeper);
}

[[gnu::noinline]] void worker::wake_for_local_push() noexcept {
    if (const auto sleeper = core_.idle().after_fork_push()) core_.unpark(*sleeper);
}

std::size_t worker::fire_and_count() noexcept {
    fire_sleeps();
    if (!core_.has_threads()) move_from_injection();
    return queue_.size() + (slot_.looks_empty() ? 0 : 1) + core_.injection().approximate_size();
}

// --- below a poll ------------------------------------------------------------------------------------------------------------

bool worker::run_those_of(waited_tasks& tasks) noexcept {
    fire_sleeps();
    bool has_run = false;
    // True: that was the last.
    const auto ends_with = [&](runnable* item) {
        if (item == nullptr) return false;
        task_header* const owner = item->owner();
        if (owner == nullptr || !tasks.has(*owner)) return push_back(*item), false;
        run_below_poll([&] { item->run(*this); });
        has_run = true;
        return tasks.are_over();
    };
    // One place after the other: what is put back stands in the run queue, and would hide the injection queue behind it.
    if (ends_with(slot_.take())) return true;
    for (std::size_t left = queue_.size(); left != 0; --left)
        if (ends_with(queue_.pop())) return true;
    for (std::size_t left = core_.injection().approximate_size(); left != 0; --left)
        if (ends_with(core_.injection().pop(index_))) return true;
    if (has_run) return true;
    // It may stand with a worker that is in a long poll, or that waits as this one does.
    for (const auto& victim : core_.workers()) {
        if (victim.get() == this) continue;
        runnable* item = victim->steal_slot(0);
        if (item == nullptr) item = victim->queue_.steal_into(queue_);
        ends_with(item);
        if (has_run) return true;
    }
    return false;
}

void worker::end_claimed(task_header& claimed) noexcept {
    run_below_poll([&] {
        begin_poll(claimed);
        cancel_task(claimed);
    });
}

template <class Fn>
void worker::run_below_poll(Fn&& run) noexcept {
    // A child that ends and pops a point must find its own parent: those of the poll above go where others may take them.
    while (fork_point* const point = forks.pop()) {
        ++point->stolen;
        push_back(point->for_queue());
    }
    // The frames above this call have not read these yet, and a poll expects those that are exchanged as they are between polls.
    const poll_state outer_state = *this;
    const auto outer_failed = std::exchange(failed, task_id());
    auto* const outer_next_frame = next_frame;
    auto* const outer_unit = unit;
    auto* const outer_task = task;
    auto* const outer_current = std::exchange(current, &poll_context_);
    const auto* const outer_locals = std::exchange(locals, nullptr);
    const auto outer_budget = budget_;
    alignas(waker) std::byte outer_fork_waker[sizeof(waker)];  // the words only: it has no count
    std::memcpy(outer_fork_waker, &fork_waker_, sizeof(waker));
    const bool was_marked = gate_.take_mark();  // the end of another poll would take it for its own
    run();
    if (was_marked) gate_.leave_mark();
    static_cast<poll_state&>(*this) = outer_state;
    failed = outer_failed;
    next_frame = outer_next_frame;
    unit = outer_unit;
    current = outer_current;
    locals = outer_locals;
    budget_.chunk_left = outer_budget.chunk_left;
    budget_.units_left = outer_budget.units_left;
    set_stamp(outer_budget.deadline);
    set_task(outer_task);  // behind the stamp: see begin_task()
    std::memcpy(static_cast<void*>(&fork_waker_), outer_fork_waker, sizeof(waker));
    if (task != nullptr) set_poll_waker(*task);
}

void worker::add_to(runtime_metrics& sum) const noexcept {
    sum.polls += count_.polls.read();
    sum.forks += count_.forks.read();
    sum.parks += count_.parks.read();
    sum.wakes += count_.wakes.read();
    sum.idle_wakes += count_.idle_wakes.read();
    sum.steals += count_.steals.read();
    sum.stolen_tasks += count_.stolen_tasks.read();
    sum.overflows += count_.overflows.read();
    sum.forced_yields += count_.forced_yields.load(std::memory_order::relaxed);
    sum.local_depth += queue_.size() + (slot_.looks_empty() ? 0 : 1);
}

}  // namespace pollux::inline v0::detail
