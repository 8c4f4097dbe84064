// SPDX-License-Identifier: MIT
// See hand_back.hpp.
#include "offload/hand_back.hpp"

#include "core/platform.hpp"
#include "offload/pause_briefly.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

namespace {

// Jobs come back in quick succession if there is one in so many microseconds: about what two switches cost, so that a worker which
// attends for nothing wastes no more than it saves elsewhere.
constexpr std::uint64_t brisk_us = 20;
// How long an attending worker looks for more, in microseconds, at most; and the pauses between two looks, some 40 nanoseconds each: a runner
// that lingers brings back a tiny job in one.
constexpr std::uint64_t attend_us = 3;
constexpr unsigned least_pauses = 8;

void wake_and_leave(job_base& job) noexcept {
    job.to_wake.wake();
    if (job.state.finish()) job.free();
}

}  // namespace

hand_back::hand_back(runtime_core& core, const std::atomic<std::size_t>* queued) noexcept
    : core_(core),
      queued_(queued),
      brisk_ticks_(core.uses().attendant ? core.ticks_per_ms() * brisk_us / 1000 : 0),
      attend_(core.ticks_per_ms() * attend_us / 1000) {}

// --- threads of the pool -----------------------------------------------------------------------------------------------------

job_base* hand_back::complete_and_keep(job_base& job) noexcept {
    switch (job.state.complete()) {
        case job_complete::abandoned: return &job;
        case job_complete::silent: break;
        case job_complete::wake:
            if (job.wake_on_worker) {
                if (finished_.push(job)) core_.schedule_any(*this);
                return nullptr;
            }
            job.to_wake.wake();
            break;
    }
    return job.state.finish() ? &job : nullptr;
}

// --- workers -----------------------------------------------------------------------------------------------------------------

void hand_back::run(execution&) noexcept {
    if (attending_pays(finished_.visit(finished_.take(), wake_and_leave)) && finished_.send_attendant())
        core_.injection().push(&attendant_);
}

void hand_back::attendant::run(execution& self) noexcept { of.attend(static_cast<worker&>(self)); }

void hand_back::attend(worker& self) noexcept {
    // Not while there is something to do. Sleeps that are due are fired first.
    if (self.fire_and_count() == 0)
        if (job_base* const newest = finished_.attend([this] { return look_for_a_while(); });
            newest != nullptr && attending_pays(finished_.visit(newest, wake_and_leave)))
            return core_.injection().push(&attendant_);
    finished_.attendant_leaves();
}

// True: something has come.
bool hand_back::look_for_a_while() noexcept {
    if (many_are_left()) {
        wait_a_turn();
        if (finished_.has_come()) return true;
    }
    const std::uint64_t end = ticks_now() + attend_.ticks();
    unsigned pauses = least_pauses;
    do {
        if (finished_.has_come()) {
            attend_.has_brought(true);
            return true;
        }
        if (!core_.injection().looks_empty()) return false;
        pause_briefly(pauses);
        pauses *= 2;
    } while (ticks_now() < end);
    attend_.has_brought(false);
    return false;
}

bool hand_back::attending_pays(std::size_t woken) noexcept {
    // Relaxed: where two workers come at once, either answer will do.
    const std::uint64_t now = ticks_now();
    const std::uint64_t before = last_taken_.load(std::memory_order::relaxed);
    last_taken_.store(now, std::memory_order::relaxed);
    if (now - before >= woken * brisk_ticks_) return false;
    if (many_are_left() || attend_.ticks() != 0) return true;
    attend_.has_brought(false);
    return false;
}

bool hand_back::many_are_left() const noexcept {
    return queued_ != nullptr && queued_->load(std::memory_order::relaxed) >= many_jobs;  // a hint
}

void hand_back::drain() noexcept { finished_.visit(finished_.take_at_end(), wake_and_leave); }

}  // namespace pollux::inline v0::detail
