// SPDX-License-Identifier: MIT
// One worker: its queues and the loop that polls. Called by its thread, or by whoever drives a current_thread_runtime; woken
// by the core. Others look into its queues to steal.
//
// Order of looking for work: the next slot (at most three in a row), the run queue, the injection queue, other workers. The
// injection queue comes first once in an interval that is tuned from the measured time of a poll; sleeps are fired when due.
//
// Invariants: the fork deque is empty whenever the loop takes something from a queue. Everything queued here can be stolen.
// Who pushes to a worker's own queues is that worker, awake; a look at the sleepers behind a light fence is enough there.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "pollux/core/execution.hpp"
#include "pollux/coro/fork_point.hpp"
#include "pollux/runtime/metrics.hpp"
#include "scheduler/next_slot.hpp"
#include "scheduler/parker.hpp"
#include "scheduler/poll_gate.hpp"
#include "scheduler/run_queue.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/sleep_wheel.hpp"
#include "scheduler/thread_probe.hpp"

namespace pollux::inline v0::detail {

// A number that only its worker changes and anybody may read.
class owned_counter {
public:
    void add(std::uint64_t n) noexcept {
        // Relaxed: only the owner writes, and readers want some recent value.
        value_.store(value_.load(std::memory_order::relaxed) + n, std::memory_order::relaxed);
    }
    std::uint64_t read() const noexcept { return value_.load(std::memory_order::relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

// Those that a destructor waits for.
class waited_tasks {
public:
    /// One that stands in a queue, or a part of which does.
    virtual bool has(task_header& one) const noexcept = 0;
    /// All of them have ended.
    virtual bool are_over() noexcept = 0;

protected:
    ~waited_tasks() = default;
};

class alignas(64) worker final : public forking_execution {
public:
    worker(runtime_core& core, unsigned index, std::uint64_t seed, bool asymmetric);
    ~worker();

    /// The life of a worker thread: polls until the runtime ends.
    void run_until_stopped() noexcept;
    /// The same for one that stands in for others, until it is told to leave; what it has queued is then others' to run.
    void run_until_relieved() noexcept;
    /// The same for a runtime without threads, by the thread that ends it.
    void drive_until_stopped() noexcept;
    /// Makes this thread the worker's for a scope.
    class entered;

    // For whoever drives a current_thread_runtime; called between polls.
    /// Fires sleeps that are due and runs one item, if there is one.
    bool run_one() noexcept;
    /// Fires sleeps that are due. Items that wait then, here and in the injection queue, at most. The hand-back asks too.
    std::size_t fire_and_count() noexcept;
    /// Sleeps until there may be work, a sleep is due, or somebody calls unpark().
    void park() noexcept;
    /// The same once the runtime has ended: there is nothing to come but a call of unpark().
    void park_behind_end() noexcept { parker_.park(); }
    /// What polls have written down for the driver is the system's then, before this thread does something else.
    void submit() noexcept;
    /// Hands out what events there are, if nobody else serves the driver. True: there were some.
    bool look_for_events() noexcept;

    // The owner.
    void schedule_local(runnable& item) noexcept;
    void push_back(runnable& item) noexcept;
    /// Around a poll that is not begun by the task's own run().
    void begin_poll(task_header& task) noexcept;
    void end_poll(task_header& task, poll_end end) noexcept;
    void end_forking_poll(task_header& task, poll_end end) noexcept;
    void run_fork(fork_point& point) noexcept;
    /// Behind a poll that may have forked.
    void run_forks_left() noexcept;
    /// The parts of a poll, for those who have marked the task as running.
    void begin_task(task_header& task) noexcept;
    bool finds_it_too_late(const task_header& task) const noexcept;
    /// Pending, and what it waits for has its own waker.
    void park_task(task_header& task) noexcept;
    void park_here(task_header& task) noexcept;
    /// True: `woken` is the task whose poll this worker is in, which will go to the back of the queue.
    bool wakes_itself(const task_header& woken) noexcept {
        if (task != &woken) return false;
        has_woken_itself = true;
        return true;
    }
    /// Before a task, or the part of it that ran here, is given up: see poll_gate.hpp. Its poll is over.
    void let_go(promise_base* waiting) noexcept;
    /// Its future has not ended: destroys it and completes the task.
    void cancel_task(task_header& task) noexcept;
    /// The future is destroyed and the result stored: publishes the end, wakes the joiner, gives up two references.
    void complete_task(task_header& task) noexcept;
    void complete_here(task_header& task) noexcept;
    /// Runs what stands in the queues and belongs to these tasks, below the poll that this worker is in: one look at each queue, for all
    /// of them. False: nothing did.
    bool run_those_of(waited_tasks& tasks) noexcept;
    /// Cancels and ends a task that task_states::try_claim() has given to this thread, below the same poll.
    void end_claimed(task_header& task) noexcept;
    /// Around something inside a poll that blocks: meanwhile another thread does this worker's duties, if one can be had.
    void step_aside() noexcept;
    void come_back() noexcept;
    /// A task that is in the middle of forks is cancelled, or the runtime is ending: the list has a task only once it has waited.
    bool must_end(const task_header& task) const noexcept;

    /// Once in forks_per_look forks, before the looks.
    void begin_fork_budget() noexcept;
    /// True: the slice is over and others wait; the fork points of this worker and then `point` have been moved to its run queue.
    bool leave_if_slice_is_over(fork_point& point) noexcept;

    // Any thread.
    void unpark() noexcept {
        if (parker_.unpark()) core_.driver()->interrupt();
    }
    void add_to(runtime_metrics& sum) const noexcept;
    /// Appends what it is at and what waits with it, a line.
    void describe(std::string& text) const;
    /// Tasks that the end of the runtime has cancelled.
    std::uint64_t cancelled() const noexcept { return count_.cancelled.read(); }
    runtime_core& core() const noexcept { return core_; }
    /// That it serves.
    sleep_wheel& wheel() const noexcept { return *wheel_; }
    unsigned index() const noexcept { return index_; }
    /// See watchdog.hpp. Acquire: pairs with the release in set_stamp().
    std::uint64_t stamp() const noexcept {
        return std::atomic_ref(const_cast<std::uint64_t&>(budget_.deadline)).load(std::memory_order::acquire);
    }
    /// How long the poll with that stamp has been running.
    std::chrono::nanoseconds since(std::uint64_t stamp, std::uint64_t now) const noexcept;
    /// Who stands in for it, or null.
    worker* stand_in() const noexcept {
        return stand_in_.load(std::memory_order::acquire);
    }  // pairs with stand_ins::hire()

    // forking_execution
    context& context_of_fork(promise_base& child) noexcept override;
    void wake_for_fork() noexcept override;
    bool join_with_others(fork_point& point, bool as_holder) noexcept override;

private:
    friend class runtime_core;
    friend class stand_ins;
    friend class watchdog;

    struct overflow_to_injection {
        worker& self;
        void push(runnable* item) noexcept;
        void push_batch(runnable** items, std::size_t n) noexcept;
    };

    void run_one_by_one() noexcept;
    bool next(runnable*& item) noexcept;
    runnable* next_when_due() noexcept;
    runnable* next_when_empty() noexcept;
    runnable* from_injection() noexcept;
    void move_from_injection() noexcept;
    runnable* search() noexcept;
    runnable* steal_once(bool with_slots) noexcept;
    fork_point* steal_fork(worker& victim) noexcept;
    bool has_work_anywhere() noexcept;
    template <class Fn>
    void run_below_poll(Fn&& run) noexcept;
    void set_poll_waker(task_header& task) noexcept;
    void complete_cancelled(task_header& task) noexcept;
    bool start_in_poll(task_header& task) noexcept;
    bool push_back_spawned(runnable& item) noexcept;
    void push_back_slowly(runnable& item) noexcept;
    void publish_end(task_header& task) noexcept;
    void complete_linked(task_header& task) noexcept;
    void complete_failed(task_header& task) noexcept;
    void complete_removed(task_header& task, list_try removed) noexcept;
    void tell_end(task_header& task, std::uint64_t state) noexcept;
    static void end_unawaited(task_header& task, std::uint64_t state) noexcept;
    static void end_unwanted(task_header& task) noexcept;
    void complete_closely(task_header& task) noexcept;
    static bool gives_up_last(task_header& task, std::uint64_t state) noexcept;
    void end_and_schedule(task_header& task, std::uint64_t state, task_header& waiting) noexcept;
    void push_back_and_free(runnable& displaced, task_header* task) noexcept;
    static void drop_both(task_header& task, std::uint64_t state, task_header& waiting) noexcept;
    void make_idle(task_header& task) noexcept;
    void park_first_time(task_header& task) noexcept;
    void park_linked(task_header& task) noexcept;
    void insert_and_park(task_header& task, list_try inserted) noexcept;
    void park_reported(task_header& task) noexcept;
    void keep_exception(task_header& task) noexcept;
    void drop_unseen(task_header& task, task_id failed_task, std::uint64_t state) noexcept;
    runnable* steal_slot(std::uint64_t least_age) noexcept;
    void leave_search() noexcept;
    void give_to_others(runnable& item) noexcept;
    // This worker is awake and would come to it in the end, so the cheap fence is enough: see idle_set::after_fork_push.
    [[gnu::always_inline]] inline void publish_local_push() noexcept {
        if (asymmetric_fences) [[likely]]
            std_sync::light_fence();  // pairs with the heavy fence in idle_set::announce_sleep
        else
            std_sync::full_fence();  // pairs with the full fence there
        if (sleepers->load(std::memory_order::relaxed) != 0) [[unlikely]]
            wake_for_local_push();
    }
    void wake_for_local_push() noexcept;
    void fire_sleeps() noexcept;
    bool hand_out_events(event_driver& driver) noexcept;
    void end_stretch() noexcept;
    // Everybody but its worker reads it by stamp() only. Release: pairs with that, shows whose poll it is.
    void set_stamp(std::uint64_t ticks) noexcept {
        std::atomic_ref(budget_.deadline).store(ticks, std::memory_order::release);
    }
    void be_awake(std::uint64_t stamp) noexcept;
    // Everybody but its worker reads it by polled() only, behind the gate. Release: pairs with that.
    void set_task(task_header* polled) noexcept { std::atomic_ref(task).store(polled, std::memory_order::release); }
    task_header* polled() noexcept {
        return std::atomic_ref(task).load(std::memory_order::acquire);
    }  // pairs with set_task()
    void show_own_wake() noexcept;
    void pass_gate() noexcept;
    void end_reported_poll(promise_base* waiting) noexcept;
    void look_closely_at_end() noexcept;
    std::uint64_t random() noexcept;

    runtime_core& core_;
    const unsigned index_;
    task_census<>::counter& census_counter_;

    // The owner's, at each poll.
    poll_budget budget_;
    waker poll_waker_;  // of `task`, without a count
    waker fork_waker_;  // of the forked child whose leaf is polled, without a count
    context poll_context_;
    context fork_context_;
    poll_state begun_poll_;  // what each begins with
    std::uint64_t slice_ticks_;
    std::uint32_t polls_left_ = 0;  // until the next look at the injection queue and the sleeps
    unsigned slot_polls_left_;      // in a row
    poll_gate<> gate_;
    bool is_searching_ = false;
    bool may_rest_ = false;          // it has run nothing since it was woken
    bool has_seen_in_vain_ = false;  // before its park it has seen work, but its search found none
    bool has_just_looked_ = false;   // for events
    bool has_events_ = false;        // that it has not yet asked anybody to help with

    // The owner's, now and then.
    std::uint32_t interval_;
    std::uint64_t stretch_start_ = 0;             // 0: it sleeps, or looks elsewhere
    double recent_ticks_ = 0, recent_polls_ = 0;  // of the last stretches; the ratio counts
    const double help_ticks_;
    std::uint64_t next_fork_wake_ = 0;
    std::uint64_t fork_steal_from_ = 0;  // do not try to steal forks before
    std::uint64_t fork_steal_pause_ = 0;
    std::uint64_t next_sleep_check_ = 0;
    unsigned search_rounds_ = 1;
    std::uint64_t random_;
    const std::uint64_t ticks_per_ms_;
    const unsigned most_slot_polls_;

    // Also thieves and wakers.
    next_slot<runnable, switching_sync> slot_;
    run_queue<runnable, switching_sync> queue_;
    parker parker_;
    sleep_wheel::owner own_wheel_;  // null: it is one that stands in
    sleep_wheel* wheel_;            // of one that stands in: another worker's, from its hiring on

    // Written by stand_ins, under its lock.
    std::atomic<worker*> stand_in_{nullptr};
    std::atomic<bool> is_relieved_{false};
    unsigned away_for_ = 0;  // a set of absences

    // The watchdog's notes.
    struct {
        std::uint64_t taken_over = asleep_stamp;  // the stamp of the poll in which somebody stands in for it
        std::uint64_t seen = asleep_stamp;        // of one that was computing, or waiting for a processor
        std::chrono::nanoseconds cpu_time_then{};
        std::uint64_t over_limit = asleep_stamp;  // of the last one that was
    } watched_;
    thread_probe probe_;  // of its thread; published by its stamps
    // The poll that was reported last. Written by the watchdog before it leaves a mark.
    std::atomic<std::uint64_t> reported_stamp_{asleep_stamp}, reported_id_{0};

    block_cache blocks_;

    struct counters {
        owned_counter polls, forks, parks, wakes, idle_wakes, steals, stolen_tasks, overflows, cancelled;
        std::atomic<std::uint64_t> forced_yields{0};
    };
    counters count_;
};

class worker::entered {
public:
    explicit entered(worker& self) noexcept;
    entered(const entered&) = delete;
    entered& operator=(const entered&) = delete;
    ~entered();

private:
    const execution_scope scope_;
    block_cache* outer_blocks_;
    bool outer_stands_back_;
};

/// For which runtimes' ends this thread is waited for, though it may be none of their workers now. Null: for none.
struct waited_for_thread {
    const runtime_core* thread_of = nullptr;   // it has started this thread, which may be in a hook of its user's
    const runtime_core* in_poll_of = nullptr;  // a worker that has stepped aside in a poll
    const runtime_core* in_job_of = nullptr;   // it runs jobs
};
extern constinit thread_local waited_for_thread waits_for_us [[gnu::tls_model("initial-exec")]];

/// This thread is one of its workers, in whatever it polls: under a block_on of another runtime, too.
bool is_on_worker(const runtime_core& core) noexcept;

/// This thread is one that its end joins, and in no job, which may outlive the grace of a shutdown.
bool is_joined_by(const runtime_core& core) noexcept;

/// The worker that this thread is, or null.
inline worker* this_worker() noexcept {
    execution* const mine = current_execution;
    return mine != nullptr && mine->worker_of != nullptr ? static_cast<worker*>(mine) : nullptr;
}

}  // namespace pollux::inline v0::detail
