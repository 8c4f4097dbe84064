// SPDX-License-Identifier: MIT
// The part of a job's future that does not depend on its types.
#include "pollux/offload/job.hpp"

#include <cstdio>
#include <stdexcept>
#include <string>

#include "offload/blocking_pool.hpp"
#include "offload/cpu_pool.hpp"
#include "offload/job_pool.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0 {

offload_expired::offload_expired(const char* name) noexcept : name_(name) {
    const bool has_name = name != nullptr;
    std::snprintf(
        text_, sizeof text_,
        "pollux: offload: the job%s%.80s%s had not started by its start_before; allow more time, or shed load earlier",
        has_name ? " \"" : "", has_name ? name : "", has_name ? "\"" : "");
}
offload_expired::~offload_expired() = default;
const char* offload_expired::what() const noexcept { return text_; }

namespace detail {

void refuse_priority(int value) {
    throw std::invalid_argument("pollux: offload: priority = " + std::to_string(value) +
                                " is none; use offload_priority::low, normal or high");
}

namespace {

// This poll is by a worker of the job's runtime: then its wake-up may come through the workers. Not where nobody may be driving
// them, nor by another's worker that is in that runtime for a scope: it may poll when those workers have gone.
bool is_on_worker(const job_base& job) noexcept {
    const execution* const mine = current_execution;
    return mine != nullptr && mine->worker_of != nullptr && mine->worker_of == job.runtime &&
           job.runtime->has_threads();
}

void keep_waker(job_base& job, context& cx) noexcept {
    job.to_wake = cx.waker();
    job.wake_on_worker = is_on_worker(job);
}

}  // namespace

job_pool& find_job_pool(job_pool_kind kind, context& cx) {
    runtime_core* const core = cx.runtime() != nullptr ? cx.runtime() : current_runtime();
    if (core == nullptr)
        throw no_runtime(
            kind == job_pool_kind::cpu
                ? "pollux: offload: no runtime on this thread; poll it inside a task or runtime::block_on"
                : "pollux: blocking: no runtime on this thread; poll it inside a task or runtime::block_on");
    if (kind == job_pool_kind::cpu) return static_cast<job_pool&>(core->service(service_kind::offload, &make_cpu_pool));
    return static_cast<job_pool&>(core->service(service_kind::blocking, &make_blocking_pool));
}

void submit_job(job_base& job, context& cx) {
    job.runtime = &job.pool->core();
    keep_waker(job, cx);
    job.pool->submit(job);
}

bool poll_job(job_base& job, context& cx) noexcept {
    if (job.state.is_done()) return true;
    if (job.wake_on_worker == is_on_worker(job) && job.to_wake.will_wake(cx.waker())) return false;
    if (!job.state.withdraw()) return true;
    keep_waker(job, cx);
    return !job.state.publish();
}

void leave_job(job_base& job) noexcept {
    switch (job.state.leave([&job]() noexcept { job.request_stop(); })) {
        case job_leave::take_out:
            job.pool->take_out(job);
            job.free();
            return;
        case job_leave::to_the_pool: return;
        case job_leave::free_block: job.free(); return;
    }
}

}  // namespace detail

}  // namespace pollux::inline v0
