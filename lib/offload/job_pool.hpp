// SPDX-License-Identifier: MIT
// What both pools are to a job: where it is handed in and taken out again, and the way its completion takes back to the awaiter.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include "offload/hand_back.hpp"
#include "pollux/offload/job.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

// The end of `of` waits for this thread: it must not be asked for here.
class job_scope {
public:
    explicit job_scope(const runtime_core& of) noexcept : outer_(std::exchange(waits_for_us.in_job_of, &of)) {}
    job_scope(const job_scope&) = delete;
    job_scope& operator=(const job_scope&) = delete;
    ~job_scope() { waits_for_us.in_job_of = outer_; }

private:
    const runtime_core* outer_;
};

class job_pool : public runtime_service {
public:
    explicit job_pool(runtime_core& core, const std::atomic<std::size_t>* queued = nullptr)
        : core_(core), back_(core, queued) {}

    /// Queues a job, whose waker is in its slot. Throws: what starting a thread throws; then the job is still the caller's.
    virtual void submit(job_base& job) = 0;
    /// The future of a job that was not claimed has left: the queue lets go of it. Only then the pool may end.
    virtual void take_out(job_base& job) noexcept = 0;

    runtime_core& core() const noexcept { return core_; }

protected:
    runtime_core& core_;
    hand_back back_;
};

}  // namespace pollux::inline v0::detail
