// SPDX-License-Identifier: MIT
// The jobs of a pool that run and take a stop token, for the end of the runtime to ask them: nobody else does while their futures are kept.
// Called by the pool, with its lock held, for such jobs only; calls what users have hung into a token, without the lock.
//
// A job leaves before it is completed, for then it may be freed; where it is just being asked it waits until that is over.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "core/platform.hpp"
#include "offload/job_list.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/offload/job.hpp"
#include "scheduler/thread_hooks.hpp"

namespace pollux::inline v0::detail {

class stoppable_jobs {
public:
    /// Throws: std::bad_alloc.
    explicit stoppable_jobs(bool is_simulated) : is_simulated_(is_simulated) {}
    stoppable_jobs(const stoppable_jobs&) = delete;
    stoppable_jobs& operator=(const stoppable_jobs&) = delete;
    ~stoppable_jobs() = default;

    /// It has been claimed and will run.
    void enter(job_base& job) noexcept { running_.push_back(job); }
    /// It has run.
    void leave(job_base& job, std::unique_lock<short_lock>& guard) noexcept {
        wait_until(was_asked_, guard, platform::time_point::max(), is_simulated_, [&] { return asked_ != &job; });
        running_.unlink(job);
    }
    /// Asks those that are here. Who enters later is about to be given up, and only one calls it at a time.
    void ask_all(std::unique_lock<short_lock>& guard) noexcept {
        // Those that were asked go to the end; if others leave meanwhile some are asked twice, which is nothing to them.
        for (std::size_t n = running_.size(); n != 0 && !running_.is_empty(); --n) {
            asked_ = running_.first();
            guard.unlock();
            asked_->request_stop();
            guard.lock();
            running_.unlink(*asked_);
            running_.push_back(*asked_);
            asked_ = nullptr;
            was_asked_.notify_all();
        }
    }

private:
    const bool is_simulated_;
    job_list running_;
    job_base* asked_ = nullptr;
    std::condition_variable_any was_asked_;
};

}  // namespace pollux::inline v0::detail
