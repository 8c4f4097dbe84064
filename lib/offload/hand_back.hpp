// SPDX-License-Identifier: MIT
// The way of finished jobs back to those who await them. Called by the threads of a pool; calls wakers and the scheduler.
//
// A job whose future was polled by a worker goes onto a list, and the list goes to the workers as one item to run: who puts
// the first job on it schedules it. The worker takes all that has come meanwhile and wakes from there, into its own queue.
// So many finished jobs are one wake-up from a foreign thread, and a job that is alone is not held back. Other wakers
// (a block_on, a poll by hand) are woken here: no worker may be free for them.
//
// Where jobs are tiny, whoever awaits them catches up with the pool again and again, and a worker that sleeps each time costs two
// switches for a handful of jobs: 100,000 for a million of them. So while jobs come back in quick succession the worker
// that has woken their awaiters *attends* the list once it has nothing else to do: it spins for some microseconds, and only then goes
// to sleep. While many are still to run it yields its CPU first: the pool's thread may need this one, and goes on for longer than if
// the first job that it ends woke a sleeper.
// The attendant is a second item, in the injection queue without a wake-up: it need not run at all.
//
// The end: the workers have gone before the pools are stopped; drain() there wakes what was left.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "offload/finished_list.hpp"
#include "offload/learned_spin.hpp"
#include "pollux/core/runnable.hpp"
#include "pollux/offload/job.hpp"
#include "scheduler/runtime_core.hpp"

namespace pollux::inline v0::detail {

class hand_back final : public runnable {
public:
    /// `queued`: how many jobs of the pool are still to run, at some moment; null: not known.
    explicit hand_back(runtime_core& core, const std::atomic<std::size_t>* queued = nullptr) noexcept;

    /// `job` has a result and no closure any more. Afterwards it must not be touched. Threads: any.
    void complete(job_base& job) noexcept {
        if (job_base* const left = complete_and_keep(job)) left->free();
    }
    /// The same, but what is to be freed is returned, for the caller to do it.
    [[nodiscard]] job_base* complete_and_keep(job_base& job) noexcept;
    /// Wakes what is on the list. No worker is left.
    void drain() noexcept;

    void run(execution&) noexcept override;
    task_header* owner() noexcept override { return nullptr; }

private:
    struct attendant final : runnable {
        explicit attendant(hand_back& list) noexcept : of(list) {}
        void run(execution& self) noexcept override;
        task_header* owner() noexcept override { return nullptr; }
        hand_back& of;
    };

    void attend(worker& self) noexcept;
    bool look_for_a_while() noexcept;
    bool attending_pays(std::size_t woken) noexcept;
    bool many_are_left() const noexcept;

    runtime_core& core_;
    const std::atomic<std::size_t>* const queued_;
    attendant attendant_{*this};
    const std::uint64_t brisk_ticks_;

    finished_list<job_base> finished_;
    std::atomic<std::uint64_t> last_taken_{0};
    learned_spin attend_;
};

}  // namespace pollux::inline v0::detail
