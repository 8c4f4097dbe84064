// SPDX-License-Identifier: MIT
// See hand_back.hpp.
#include "offload/hand_back.hpp"

namespace pollux::inline v0::detail {

namespace {

void wake_and_leave(job_base& job) noexcept {
    job.to_wake.wake();
    if (job.state.finish()) job.free();
}

}  // namespace

void hand_back::complete(job_base& job) noexcept {
    switch (job.state.complete()) {
        case job_complete::abandoned: job.free(); return;
        case job_complete::silent:
            if (job.state.finish()) job.free();
            return;
        case job_complete::wake: break;
    }
    if (!job.wake_on_worker) {
        wake_and_leave(job);
        return;
    }
    if (push(job)) core_.schedule_any(*this);
}

bool hand_back::push(job_base& job) noexcept {
    job_base* newest = finished_.load(std::memory_order::relaxed);  // checked by the exchange
    do job.next = newest;
    // Release: the job, for the acquire in drain(). Relaxed on failure: another push came first, nothing of it is read.
    while (!finished_.compare_exchange_weak(newest, &job, std::memory_order::release, std::memory_order::relaxed));
    return newest == nullptr;
}

void hand_back::drain() noexcept {
    // Acquire: pairs with the releases in push().
    job_base* rest = finished_.exchange(nullptr, std::memory_order::acquire);
    job_base* oldest = nullptr;
    while (rest != nullptr) {
        job_base* const after = rest->next;
        rest->next = oldest;
        oldest = rest;
        rest = after;
    }
    while (oldest != nullptr) {
        job_base* const after = oldest->next;  // before the job may be freed
        wake_and_leave(*oldest);
        oldest = after;
    }
}

}  // namespace pollux::inline v0::detail
