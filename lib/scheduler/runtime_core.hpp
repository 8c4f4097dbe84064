// SPDX-License-Identifier: MIT
// One runtime: its workers, the queue that other threads push to, who sleeps, all tasks, and the services that higher floors
// hang in. `runtime` and `current_thread_runtime` own one; handles keep its memory, and find it closed.
//
// Foreign threads. A wake-up from a thread that is no worker may race with the end of the runtime. While it pushes, the thread is
// counted as a visitor. The core cannot be gone when it enters: its task is marked as notified, so the task cannot end before the
// push; and the end of the runtime waits for all tasks and then for all visitors. After it has left it touches nothing.
//
// The end: (1) from now on spawns are refused; (2) close the list of tasks: every task in it is cancelled, and one that was never
// polled, or that waits for the first time, is cancelled by the worker that comes upon it; (3) the workers destroy them; who
// ends the last one (task_census.hpp) stops the workers; (4) join the threads; (5) wait for visitors; (6) close the timers
// and then all services, and wait for those one after the other.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/platform.hpp"
#include "core/ticks.hpp"
#include "pollux/core/block_cache.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/runnable.hpp"
#include "pollux/core/task_header.hpp"
#include "pollux/runtime/metrics.hpp"
#include "pollux/runtime/options.hpp"
#include "pollux/runtime/shutdown_report.hpp"
#include "scheduler/driver_seat.hpp"
#include "scheduler/event_driver.hpp"
#include "scheduler/fork_guard.hpp"
#include "scheduler/heuristics.hpp"
#include "scheduler/idle_set.hpp"
#include "scheduler/injection_queue.hpp"
#include "scheduler/sleep_wheel.hpp"
#include "scheduler/stand_ins.hpp"
#include "scheduler/switching_sync.hpp"
#include "scheduler/task_census.hpp"
#include "scheduler/task_list.hpp"
#include "scheduler/thread_hooks.hpp"
#include "scheduler/watchdog.hpp"
#include "scheduler/worker_list.hpp"

namespace pollux::inline v0::detail {

class runtime_core;
class worker;

// What a higher floor hangs into a runtime: made at first use, ended with it.
struct runtime_service {
    virtual ~runtime_service() = default;
    /// When the runtime's tasks have ended, for all services before the first stop(): refuses what is new, discards what has not started,
    /// whose futures throw task_cancelled, and asks what runs to stop. Waits for nothing. Perhaps twice.
    virtual void close() noexcept {}
    /// Waits for what runs, at most until `deadline`. Returns how many still run then. The last call has no deadline.
    virtual std::size_t stop(std::chrono::steady_clock::time_point deadline) noexcept = 0;
    virtual void add_to(runtime_metrics&) const noexcept = 0;
};
// Ended in this order: who lets jobs end comes before the pools that wait for them.
enum class service_kind : unsigned { reactor, input_waits, offload, blocking };
inline constexpr unsigned service_count = 4;
using service_maker = std::unique_ptr<runtime_service> (*)(runtime_core&);

class runtime_core final : public task_home {
public:
    enum class flavour : std::uint8_t { threads, current_thread };

    /// Starts the threads. Throws: std::invalid_argument, std::system_error, what on_thread_start throws; then nothing is left.
    /// `simulation`: makes its threads; null: the system does.
    static runtime_core& make(runtime_options options, flavour which, platform* simulation = nullptr);

    // Owners: the runtime, and each handle.
    void add_owner() noexcept { owners_.fetch_add(1, std::memory_order::relaxed); }  // whoever adds one is one
    void drop_owner() noexcept;

    /// Ends it; see above. Once, perhaps after a shutdown(); not on one of its workers.
    void end() noexcept;
    /// From now on, it comes to an end: one that does not fit the clock never does.
    static bool can_end(std::chrono::nanoseconds grace) noexcept {
        return grace < platform::time_point::max() - steady_now();
    }
    /// The same, but jobs that run are waited for until `grace` is over only. Only the first call reports.
    shutdown_report shutdown(std::chrono::nanoseconds grace) noexcept;
    /// True from the beginning of end().
    bool is_ending() const noexcept { return census_.is_ending(); }

    /// Takes a new task and schedules it; a join handle has a reference. False: the runtime is ending; nothing was done.
    bool start(task_header& task) noexcept;
    /// The same for a task that has a home; `mine` is this thread's execution.
    bool start_by(execution& mine, task_header& task) noexcept;

    void schedule(task_header& task) noexcept override { schedule_any(task); }
    /// The same for a fork point or a forked child.
    void schedule_any(runnable& item) noexcept;
    /// As schedule_any(), inlined into the functions beside it.
    void schedule_here(runnable& item) noexcept;
    /// It is ending, and its last task has ended. Perhaps more than once.
    void all_tasks_have_ended() noexcept;
    /// Nobody will see `exception`. `was_cancelled`: its task was; that this, or the end of the runtime, has ended it by
    /// task_cancelled is no news.
    void report_unhandled(task_id id, std::exception_ptr exception, bool was_cancelled) noexcept;

    /// The service, made at first use. Throws: what `make_service` throws; task_cancelled while the runtime is ending.
    runtime_service& service(service_kind which, service_maker make_service);

    /// What workers sleep in from now on. Once, by the service that it is a part of.
    void serve(event_driver& driver) noexcept;
    /// Null: there is none yet. Acquire: pairs with the release in serve().
    event_driver* driver() const noexcept { return driver_.load(std::memory_order::acquire); }

    /// Where a sleep goes that is armed on a thread which is no worker of this runtime.
    sleep_wheel& wheel_for_visitor() noexcept;
    /// Free blocks for one thread that is no worker, while it is in block_on; they stay for the next one. Null: another has them.
    block_cache* take_visitor_blocks() noexcept {
        return free_visitor_blocks_.exchange(nullptr, std::memory_order::acquire);  // pairs with the release below
    }
    void give_visitor_blocks(block_cache& blocks) noexcept {
        free_visitor_blocks_.store(&blocks, std::memory_order::release);  // pairs with the acquire above
    }
    /// Wakes whoever serves it, but for this thread.
    void wheel_has_earlier(const sleep_wheel& wheel) noexcept;

    /// A child of fork() has inherited it, without its threads.
    bool is_in_child() const noexcept { return fork_guard_.is_in_child(); }

    runtime_metrics metrics() const noexcept;
    /// For whoever finds that it hangs: a line for each worker, and for each task that has waited, at some moment. Threads: any.
    std::string describe();
    const runtime_options& options() const noexcept { return options_; }
    /// What it does to be faster.
    const heuristics& uses() const noexcept { return uses_; }
    unsigned cpu_slots() const noexcept { return options_.cpu_slots; }

    /// Its threads are those of a simulation.
    bool is_simulated() const noexcept { return simulation_ != nullptr; }
    /// Of the runtime's kind. Throws: std::system_error, std::bad_alloc.
    runtime_thread start_thread(std::function<void()> body);
    /// One that nobody joins. Only where is_simulated().
    void start_detached(std::function<void()> body) { simulation_->start(std::move(body)); }
    /// What a millisecond is to whatever measures time by ticks: zero in a simulation, where no time passes while code runs.
    std::uint64_t ticks_per_ms() const noexcept { return ticks_per_ms_; }
    /// How long a poll may go on with what is ready, and a fork slice: a millisecond, a guess. In a simulation longer than any lasts.
    std::uint64_t slice_ticks() const noexcept { return is_simulated() ? std::uint64_t{1} << 62 : ticks_per_ms_; }
    /// Of a future that is no task, before each poll: it has the budget of a task's, so that those that are driven with it, and its own
    /// timeouts, come in.
    void begin_root_poll(poll_budget& of) noexcept {
        of.runtime = this;
        of.is_limited = true;
        of.refill();
        of.deadline = processor_ticks() + slice_ticks();
    }

    /// Of a current_thread_runtime.
    driver_seat& seat() noexcept { return seat_; }

    // For workers.
    /// It is ending, and has left the children of tasks to those, which end them (wait_for_cancelled.hpp).
    bool has_rest() const noexcept { return has_rest_.load(std::memory_order::relaxed); }  // end_rest() asks again
    /// Queues those that are left, whose parents are no tasks of this runtime, or wait with them for what is left. By a worker that has
    /// nothing to do: so the parents have had their turn. False: somebody has done so.
    bool end_rest() noexcept;
    bool should_stop() const noexcept { return should_stop_.load(std::memory_order::acquire); }  // pairs with its store
    void unpark(unsigned index) noexcept;
    /// Those of the options, then those that stand in for them now and then.
    worker_list& workers() noexcept { return workers_; }
    bool has_other_workers() const noexcept { return other_workers() != 0; }
    /// At most so many beside each; while somebody stands in for one, as many as there may ever be.
    unsigned other_workers() const noexcept {
        return stand_ins_.are_active() ? idle_set<>::most_workers : options_.workers - 1;
    }
    unsigned worker_count() const noexcept { return options_.workers; }
    stand_ins& substitutes() noexcept { return stand_ins_; }
    watchdog& watch() noexcept { return watchdog_; }
    /// One more, for workers(). Throws: std::bad_alloc.
    std::unique_ptr<worker> make_worker();
    idle_set<switching_sync>& idle() noexcept { return idle_; }
    injection_queue<runnable, switching_sync>& injection() noexcept { return injection_; }
    task_list& tasks() noexcept { return tasks_; }
    task_census<>& census() noexcept { return census_; }
    bool has_threads() const noexcept { return flavour_ == flavour::threads; }

private:
    runtime_core(runtime_options options, flavour which, platform* simulation);
    ~runtime_core();
    bool accept_from_outside(unsigned spread) noexcept;
    bool start_from_outside(task_header& task) noexcept;
    bool start_outside_task(task_header& task) noexcept;
    void start_threads();
    void stop_threads() noexcept;
    void join_threads() noexcept;
    void end_tasks() noexcept;
    std::size_t stop_services(std::chrono::steady_clock::time_point deadline) noexcept;
    void wait_for_visitors() noexcept;
    void schedule_from_outside(runnable& item) noexcept;
    void push_from_outside(runnable& item, unsigned spread) noexcept;
    [[gnu::noinline]] void wake_for_push() noexcept;

    platform* const simulation_;  // null: none
    const std::uint64_t ticks_per_ms_;
    runtime_options options_;
    const heuristics uses_;
    flavour flavour_;
    fork_guard fork_guard_;
    block_cache visitor_blocks_;
    std::atomic<block_cache*> free_visitor_blocks_{block_cache::for_thread(visitor_blocks_)};
    std::atomic<std::uint32_t> owners_{1};
    std::atomic<bool> should_stop_{false};
    std::atomic<bool> is_shut_down_{false};
    std::atomic<bool> has_rest_{false};

    idle_set<switching_sync> idle_;
    injection_queue<runnable, switching_sync> injection_;
    task_census<> census_;
    task_list tasks_;
    worker_list workers_;
    stand_ins stand_ins_{*this};
    watchdog watchdog_{*this};
    std::uint64_t seed_;  // of the worker made last
    std::vector<runtime_thread> threads_;

    // Foreign threads at work here; spread, as each of their wake-ups writes one.
    struct alignas(64) visitor_count {
        std::atomic<std::uint64_t> entered{0};  // each pushes once: a metric, too
        std::atomic<std::uint64_t> left{0};
    };
    static constexpr unsigned visitor_counts = 8;
    visitor_count visitors_[visitor_counts];

    driver_seat seat_;
    std::mutex service_lock_;
    std::unique_ptr<runtime_service> services_[service_count];  // filled once, under the lock
    std::atomic<runtime_service*> service_[service_count] = {};
    std::atomic<event_driver*> driver_{nullptr};
};

/// Throws: std::system_error(operation_not_permitted) in a child of fork().
void refuse_in_child(const runtime_core& core);

/// Throws: std::system_error(resource_deadlock_would_occur) on a thread that it would have to join.
void refuse_shutdown_on_own_thread(const runtime_core& core);

/// Throws: std::system_error(resource_deadlock_would_occur) in a job of its, if a shutdown would wait for that for ever.
void refuse_endless_shutdown(const runtime_core& core, std::chrono::nanoseconds grace);

}  // namespace pollux::inline v0::detail
