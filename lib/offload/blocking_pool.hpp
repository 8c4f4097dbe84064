// SPDX-License-Identifier: MIT
// The threads behind `blocking`: none at first, up to max_blocking_threads, each kept for blocking_keep_alive without a job.
// Jobs are handed in by whoever polls, taken out by whoever drops a future.
//
// Whom a new job calls, with the lock held:
//   somebody is coming (`coming_`): nobody. A thread that was called or started, or that has finished its job and is about to wake
//     its awaiter, comes to the lock next, takes a job, and if more wait it calls the next one before it runs its own.
//   a thread is idle: the one that became idle last; its stack and caches are the warmest, and the others get to end.
//   there is no thread: one is started.
//   all threads run: a *watcher* is made sure of.
// The watcher is one more thread of the pool that exists only while jobs wait: it sleeps until the oldest has waited for
// about a millisecond. Nobody has taken it then: the watcher does, and before that it has the next watcher started if more
// jobs wait. If the queue has run empty it becomes an idle thread like others. So nothing ticks while no job waits, threads come
// by observed blocking and not by the length of the queue, and jobs that wait for each other all get a thread in the end.
// From one watcher's turn to the next passes a millisecond, too, or half of the last time if no job has finished since: jobs that
// all block get their threads quickly, short ones do not.
//
// If a thread cannot be started, the pool goes on with those it has, and whoever comes after a millisecond tries again; a timer does where
// nobody comes, for those that run may wait for those that do not. If it has none, all jobs end with the exception.
//
// No user code and no system call but futexes runs under the lock. Records of threads stay until the pool goes, for others to
// use: a call may come late, to a record whose thread has ended, and is one spurious wake-up.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "offload/job_list.hpp"
#include "offload/job_pool.hpp"
#include "offload/retry_timer.hpp"
#include "offload/stoppable_jobs.hpp"
#include "pollux/core/short_lock.hpp"
#include "scheduler/parker.hpp"
#include "scheduler/thread_hooks.hpp"

namespace pollux::inline v0::detail {

class blocking_pool final : public job_pool {
public:
    explicit blocking_pool(runtime_core& core);
    ~blocking_pool() override;

    void submit(job_base& job) override;
    void take_out(job_base& job) noexcept override;
    void close() noexcept override;
    std::size_t stop(std::chrono::steady_clock::time_point deadline) noexcept override;
    void add_to(runtime_metrics& sum) const noexcept override;

private:
    using lock_guard = std::unique_lock<short_lock>;
    enum class role : std::uint8_t { none, taker, watcher };
    enum class life : std::uint8_t { unused, alive, ended };

    struct member {
        // With the lock held.
        runtime_thread thread;  // stored by who started it
        life state = life::unused;
        bool is_idle = false;
        member* newer = nullptr;  // in the list of the idle
        member* older = nullptr;

        parker sleeper;
        std::atomic<bool> is_called{false};  // for the short spin before it sleeps
    };

    // What is to be done once the lock is given back.
    struct errand {
        member* call = nullptr;
        role start = role::none;
    };

    // With the lock held.
    errand see_to_queue() noexcept;
    member& unused_member();
    void become_idle(member& self) noexcept;
    void leave_idle(member& self) noexcept;
    void lost_thread(lock_guard& guard, const std::exception_ptr& why) noexcept;
    void give_up_all(lock_guard& guard, const std::exception_ptr& why) noexcept;
    void join_ended(lock_guard& guard) noexcept;
    bool is_over() const noexcept;

    // Without it.
    void do_errand(const errand& what) noexcept;
    void start(role as) noexcept;
    void arm_retry_if_wanted(lock_guard& guard) noexcept;
    void try_again() noexcept;

    // A thread's own; they take the lock over and give it back held.
    void live(member& self, role as, unsigned number) noexcept;
    void work(member& self, role as, lock_guard& guard) noexcept;
    void watch(member& self, lock_guard& guard) noexcept;
    void run_one(job_base& job, lock_guard& guard) noexcept;
    void free_unwanted(job_base& job, lock_guard& guard) noexcept;
    bool wait_for_call(member& self, lock_guard& guard) noexcept;
    void spin_for_call(const member& self, lock_guard& guard) noexcept;

    const std::string thread_name_;
    const std::uint64_t patience_;  // ticks

    // Threads that will come to the lock soon. Raised without the lock by those that have finished a job, else with it; lowered
    // with it.
    alignas(64) std::atomic<unsigned> coming_{0};

    mutable short_lock lock_;
    // All guarded by it.
    job_list queue_;
    member* idle_ = nullptr;  // the one that became idle last
    std::size_t idle_count_ = 0;
    std::size_t threads_ = 0;
    std::size_t running_ = 0;  // jobs that are claimed and not handed back
    std::size_t alive_ = 0;    // threads that may still touch the pool
    std::size_t starts_ = 0;   // threads whose handles are not stored yet
    bool has_watcher_ = false;
    bool has_spinner_ = false;
    bool is_closed_ = false;
    std::uint64_t finished_ = 0;
    std::uint64_t finished_at_growth_ = 0;
    std::uint64_t growth_pause_;     // ticks
    std::uint64_t next_growth_ = 0;  // not before
    std::uint64_t next_start_ = 0;   // not before: the last one failed
    bool wants_retry_ = false;       // whoever has set it arms the timer
    bool has_retry_ = false;         // wants it, or it is armed
    unsigned next_number_ = 0;       // of a thread's name
    std::vector<std::unique_ptr<member>> members_;
    stoppable_jobs stoppable_;

    retry_timer retry_;
    std::condition_variable_any over_;
};

std::unique_ptr<runtime_service> make_blocking_pool(runtime_core& core);

}  // namespace pollux::inline v0::detail
