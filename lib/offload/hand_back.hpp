// SPDX-License-Identifier: MIT
// The way of finished jobs back to those who await them. Called by the threads of a pool; calls wakers and the scheduler.
//
// A job whose future was polled by a worker goes onto a list, and the list goes to the workers as one item to run: who puts
// the first job on it schedules it. The worker takes all that has come meanwhile and wakes from there, into its own queue.
// So many finished jobs are one wake-up from a foreign thread, and a job that is alone is not held back. Other wakers
// (a block_on, a poll by hand) are woken here: no worker may be free for them.
//
// Claim: a job on the list is woken. Proof: push() answers whether the list was empty. Who finds it empty schedules one run,
// which takes the whole list; who does not, comes before that run's exchange and is taken with it. Between an exchange and the
// next push on an empty list nothing is scheduled, so the item stands in one queue at most. Two runs may overlap: each
// has its own list.
// The end: the workers have gone before the pools are stopped; drain() there wakes what was left.
#pragma once

#include <atomic>

#include "pollux/core/runnable.hpp"
#include "pollux/offload/job.hpp"
#include "scheduler/runtime_core.hpp"

namespace pollux::inline v0::detail {

class hand_back final : public runnable {
public:
    explicit hand_back(runtime_core& core) noexcept : core_(core) {}

    /// `job` has a result and no closure any more. Afterwards it must not be touched. Threads: any.
    void complete(job_base& job) noexcept;
    /// Wakes what is on the list.
    void drain() noexcept;

    void run(execution&) noexcept override { drain(); }
    task_header* owner() noexcept override { return nullptr; }

private:
    bool push(job_base& job) noexcept;

    runtime_core& core_;
    // Written by each completion: on a line of its own.
    alignas(64) std::atomic<job_base*> finished_{nullptr};
};

}  // namespace pollux::inline v0::detail
