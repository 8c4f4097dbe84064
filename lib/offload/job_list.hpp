// SPDX-License-Identifier: MIT
// Jobs in the order of their coming, linked through themselves; guarded by the lock of the pool that has them.
#pragma once

#include <cstddef>

#include "pollux/offload/job.hpp"

namespace pollux::inline v0::detail {

class job_list {
public:
    job_list() noexcept = default;
    job_list(const job_list&) = delete;
    job_list& operator=(const job_list&) = delete;

    void push_back(job_base& job) noexcept {
        job.next = nullptr;
        job.previous = last_;
        (last_ != nullptr ? last_->next : first_) = &job;
        last_ = &job;
        ++size_;
    }
    /// `job` stands in this list.
    void unlink(job_base& job) noexcept {
        (job.previous != nullptr ? job.previous->next : first_) = job.next;
        (job.next != nullptr ? job.next->previous : last_) = job.previous;
        --size_;
    }
    /// Takes out and claims the first whose future has not gone; those whose future has are taken out by it. Null: none.
    job_base* claim_first() noexcept {
        for (job_base* job = first_; job != nullptr; job = job->next) {
            if (!job->state.claim()) continue;
            unlink(*job);
            return job;
        }
        return nullptr;
    }

    job_base* first() const noexcept { return first_; }
    bool is_empty() const noexcept { return first_ == nullptr; }
    std::size_t size() const noexcept { return size_; }

private:
    job_base* first_ = nullptr;
    job_base* last_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace pollux::inline v0::detail
