// SPDX-License-Identifier: MIT
// The pool behind `offload`: our own queues, one for each priority, in front of a private oneTBB arena. Jobs are handed in by
// whoever polls, run by *runners* on oneTBB's threads, taken out by whoever drops a future.
//
// A runner is one piece of work enqueued in the arena. It takes a job, runs it, takes the next, and ends when there is none or
// when it has run for about a millisecond: then it enqueues a successor and gives its thread back, so that oneTBB can move it
// to other arenas. An enqueue for each job would cost more than all the rest of a job here. When a runner finds nothing it
// lingers for some microseconds, looking now and then, before it ends: oneTBB's thread would spin for longer.
//
// The way of a job: submit() puts it on `incoming_`, a stack that takes one compare-exchange and which runners take as a whole, at
// most every few microseconds, into `queues_`, under the lock. So submitters share with runners no line that each job moves.
//
// Who starts runners: runner_count.hpp says it, and proves that a job is taken while there is a free slot. (1), (2), (a), (b) and (c)
// here are the steps of there. That a job is there, (b), is seen with the lock held.
//
// In flight are jobs that stand in `queues_` or run; `max_offloaded` bounds them. Those that find no room stand in `waiting_` and are
// admitted in the order of their coming by whoever finishes a job or takes one out. The future has nothing to do with that, so no
// turn is lost when it is dropped. If jobs wait, others run: those that do see to the next.
//
// The end: close() closes the count of runners. A submitter whose push comes too late for close()'s look sees that mark in (2) and gives
// up what is queued itself; a runner that takes such a job sees it, too, and gives it up. The pool ends when no runner is left and no
// future is on its way into take_out(). Then stop() gives the arena back, and with the last one oneTBB's threads end: the pool itself stays
// for as long as anybody keeps the runtime's core. No user code runs under the lock.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>

#include "offload/job_list.hpp"
#include "offload/job_pool.hpp"
#include "offload/learned_spin.hpp"
#include "offload/runner_count.hpp"
#include "offload/stoppable_jobs.hpp"
#include "offload/tbb_arena.hpp"
#include "offload/tbb_share.hpp"
#include "pollux/core/short_lock.hpp"

namespace pollux::inline v0::detail {

class cpu_pool final : public job_pool {
public:
    explicit cpu_pool(runtime_core& core);

    void submit(job_base& job) override;
    void take_out(job_base& job) noexcept override;
    void close() noexcept override;
    std::size_t stop(std::chrono::steady_clock::time_point deadline) noexcept override;
    void add_to(runtime_metrics& sum) const noexcept override;

private:
    static constexpr unsigned priorities = 3;

    struct tbb_slots {
        explicit tbb_slots(unsigned slots) : share(slots), arena(static_cast<int>(slots), 0) { arena.initialize(); }
        tbb_share share;  // above the arena: its threads end after it
        oneapi::tbb::task_arena arena;
    };

    // Submitting.
    void push(job_base& job) noexcept;
    void start_runner_if_needed();
    void start_failed(std::exception_ptr why) noexcept;

    // Running; on oneTBB's threads.
    void enqueue_runner(bool is_first);
    void run(bool is_first) noexcept;
    job_base* next(bool has_run, bool& more, std::uint64_t now, std::uint64_t& last_look) noexcept;
    void run_one(job_base& job) noexcept;
    bool hand_over() noexcept;
    bool linger(unsigned just_ran) noexcept;
    bool look_for_a_while(std::uint64_t end) const noexcept;
    bool leave_or_stay() noexcept;
    bool looks_empty() const noexcept;

    // With the lock held.
    void distribute() noexcept;
    void finished_one() noexcept;
    void admit() noexcept;
    job_base* claim_next() noexcept;
    void give_up_all(std::unique_lock<short_lock>& guard, const std::exception_ptr& why) noexcept;
    bool is_over() const noexcept;

    void give_arena_back() noexcept;

    const std::uint64_t slice_ticks_;
    const std::uint64_t most_in_flight_;
    const std::uint64_t look_ticks_;

    // Submitters write it at each job; runners now and then.
    alignas(64) std::atomic<job_base*> incoming_{nullptr};

    // Read by submitters at each job; written when a runner comes, goes, begins or ends to linger.
    alignas(64) runner_count<> runners_;
    learned_spin linger_;

    // Runners, at each job.
    alignas(64) mutable short_lock lock_;
    // Guarded by it.
    job_list queues_[priorities];
    job_list waiting_;  // for room
    std::uint64_t running_ = 0;
    std::uint64_t picks_ = 0;
    stoppable_jobs stoppable_;
    std::condition_variable_any over_;
    std::exception_ptr no_threads_;  // why oneTBB has none; null: it has, or has not been asked
    std::atomic<bool> has_had_runner_{false};
    // Written under the lock, looked at by lingering runners.
    std::atomic<std::size_t> queued_{0};

    // Null in a simulation, which makes threads itself, and when the pool has ended. Written under the lock.
    std::unique_ptr<tbb_slots> tbb_;
    std::atomic<unsigned> enqueuing_{0};  // threads that are about to use it, or have just done so, for a runner
};

std::unique_ptr<runtime_service> make_cpu_pool(runtime_core& core);

}  // namespace pollux::inline v0::detail
