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

// From the newest to `bottom`. How many there were.
std::size_t wake_all(job_base* newest, const job_base* bottom) noexcept {
    std::size_t n = 0;
    job_base* oldest = nullptr;
    while (newest != bottom) {
        job_base* const after = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = after;
    }
    for (; oldest != nullptr; ++n) {
        job_base* const after = oldest->next;  // before the job may be freed
        wake_and_leave(*oldest);
        oldest = after;
    }
    return n;
}

}  // namespace

hand_back::hand_back(runtime_core& core, const std::atomic<std::size_t>* queued) noexcept
    : core_(core),
      queued_(queued),
      brisk_ticks_(core.uses().attendant ? core.ticks_per_ms() * brisk_us / 1000 : 0),
      attend_(core.ticks_per_ms() * attend_us / 1000) {}

// --- threads of the pool -----------------------------------------------------------------------------------------------------

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
    // Release: the job, for the acquires of who takes it. Acquire: where null was there, pairs with the release in run(): the worker has done
    // with the item's link. Relaxed on failure: another push came first, nothing of it is read.
    while (!finished_.compare_exchange_weak(newest, &job, std::memory_order::acq_rel, std::memory_order::relaxed));
    return newest == nullptr;
}

// --- workers -----------------------------------------------------------------------------------------------------------------

void hand_back::run(execution&) noexcept {
    // Acquire: pairs with the releases in push(). Release: pairs with the acquire in push() that finds null, now or after an attendant, whose
    // read-modify-writes carry it on: what took this item from a queue has read its link.
    const std::size_t n = wake_all(finished_.exchange(nullptr, std::memory_order::acq_rel), nullptr);
    if (!attending_pays(n)) return;
    // Relaxed: says who may queue the item; the queue orders the rest.
    if (is_attendant_out_.load(std::memory_order::relaxed)) return;
    if (!is_attendant_out_.exchange(true, std::memory_order::acquire))  // pairs with the release in attend()
        core_.injection().push(&attendant_);
}

void hand_back::attendant::run(execution& self) noexcept { of.attend(static_cast<worker&>(self)); }

void hand_back::attend(worker& self) noexcept {
    // Not while there is something to do. Sleeps that are due are fired first.
    if (self.fire_and_count() == 0) {
        job_base* newest = nullptr;
        // Relaxed, all: what is taken is acquired below.
        if (finished_.compare_exchange_strong(newest, attended(), std::memory_order::relaxed)) {  // (1)
            newest = attended();
            if (look_for_a_while() ||
                !finished_.compare_exchange_strong(newest, nullptr, std::memory_order::relaxed)) {  // (2), (3)
                // Acquire: pairs with the releases in push().
                newest = finished_.exchange(nullptr, std::memory_order::acquire);
                if (attending_pays(wake_all(newest, attended()))) {
                    core_.injection().push(&attendant_);
                    return;
                }
            }
        }
    }
    is_attendant_out_.store(false, std::memory_order::release);  // pairs with run(): it is in no queue any more
}

// True: something has come.
bool hand_back::look_for_a_while() noexcept {
    // Relaxed, all: see attend().
    if (many_are_left()) {
        wait_a_turn();
        if (finished_.load(std::memory_order::relaxed) != attended()) return true;
    }
    const std::uint64_t end = ticks_now() + attend_.ticks();
    unsigned pauses = least_pauses;
    do {
        if (finished_.load(std::memory_order::relaxed) != attended()) {
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

job_base* hand_back::attended() noexcept { return reinterpret_cast<job_base*>(alignof(job_base)); }

void hand_back::drain() noexcept {
    // Acquire: pairs with the releases in push().
    wake_all(finished_.exchange(nullptr, std::memory_order::acquire), nullptr);
}

}  // namespace pollux::inline v0::detail
