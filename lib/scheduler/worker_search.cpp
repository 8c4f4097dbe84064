// SPDX-License-Identifier: MIT
// What a worker does when its own queues are empty: it looks into those of others, and goes to sleep. See worker.hpp; the proof that
// no wake-up is lost is in idle_set.hpp, and here are the places that it speaks of.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "core/platform.hpp"
#include "pollux/coro/fork_point.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

namespace {

// A task in the next slot may be stolen once it has waited so long, in microseconds: longer than most polls. A guess.
constexpr std::uint64_t stealable_slot_us = 50;
// A searching worker looks at everybody so often before it sleeps, with pauses between: up to some 20 microseconds, about what
// two futex calls cost. Rounds that find nothing halve it, finds double it.
constexpr unsigned most_search_rounds = 32;
constexpr unsigned pauses_per_round = 16;
// After a fork was seen and lost to its owner, and between two wake-ups for forks that nobody came in time to steal: doubling,
// in microseconds. Tiny forks took 199 ms on one worker and 476 on two before.
constexpr std::uint64_t least_fork_pause_us = 4, most_fork_pause_us = 1000;
// Sleeping in the driver; a token that is there already keeps it from looking at all.
struct watching {
    void wait(event_driver::time_point deadline) noexcept {
        driver->wait(deadline);
        has_looked = true;
    }

    event_driver* driver;
    bool has_looked = false;
};

}  // namespace

// --- stealing ----------------------------------------------------------------------------------------------------------------

runnable* worker::search() noexcept {
    if (!core_.has_other_workers()) return nullptr;
    if (!is_searching_) {
        if (!core_.idle().begin_search(core_.uses().search_limit)) return nullptr;
        is_searching_ = true;
    }
    // Beside a driver the next event comes there, and spinning for what others push costs more than it saves: an echo server with two
    // workers took 6.2 instead of 5.9 us of CPU a request.
    for (unsigned round = core_.driver() != nullptr || !core_.uses().spin ? 0 : search_rounds_;; --round) {
        const bool is_last = round == 0;
        runnable* item = steal_once(is_last);
        if (item == nullptr) item = from_injection();
        if (item != nullptr) {
            search_rounds_ = std::min(2 * search_rounds_, most_search_rounds);
            return item;
        }
        if (is_last || core_.should_stop()) break;
        for (unsigned i = 0; i != pauses_per_round; ++i) pause_cpu();
    }
    search_rounds_ = std::max(search_rounds_ / 2, 1u);
    return nullptr;
}

void worker::leave_search() noexcept {
    if (!std::exchange(is_searching_, false)) return;
    has_seen_in_vain_ = false;
    if (!core_.uses().chained_wakes) return core_.idle().leave_unfollowed();
    if (const auto sleeper = core_.idle().found_work()) core_.unpark(*sleeper);
}

runnable* worker::steal_once(bool with_slots) noexcept {
    auto& workers = core_.workers();
    const std::size_t first = random() % workers.size();
    for (std::size_t i = 0; i != workers.size(); ++i) {
        worker& victim = *workers[(first + i) % workers.size()];
        if (&victim == this) continue;
        const std::size_t before = queue_.size();
        if (runnable* const item = victim.queue_.steal_into(queue_)) {
            count_.steals.add(1);
            count_.stolen_tasks.add(1 + queue_.size() - before);
            return item;
        }
        if (fork_point* const point = steal_fork(victim)) {
            count_.steals.add(1);
            count_.stolen_tasks.add(1);
            ++point->stolen;
            return &point->for_queue();
        }
        if (with_slots) {
            const std::uint64_t least_age = core_.uses().next_slot ? ticks_per_ms_ * stealable_slot_us / 1000 : 0;
            if (runnable* const item = victim.steal_slot(least_age)) {
                count_.steals.add(1);
                count_.stolen_tasks.add(1);
                return item;
            }
        }
    }
    return nullptr;
}

// By a thief. Stamps are ahead by a slice, so the thief's clock is, too.
runnable* worker::steal_slot(std::uint64_t least_age) noexcept {
    const std::uint64_t now = core_.is_simulated() ? ~std::uint64_t{0} : ticks_now() + slice_ticks_;
    return slot_.steal(now, least_age);
}

// A theft costs its victim an interrupt. Where forks are so small that the thief comes too late, it backs off.
fork_point* worker::steal_fork(worker& victim) noexcept {
    if (victim.forks.looks_empty()) return nullptr;
    if (ticks_now() < fork_steal_from_) return nullptr;
    fork_point* const point = victim.forks.steal();
    if (point != nullptr || !core_.uses().fork_pauses) {
        fork_steal_pause_ = 0;
    } else {
        fork_steal_pause_ = std::clamp(2 * fork_steal_pause_, ticks_per_ms_ * least_fork_pause_us / 1000,
                                       ticks_per_ms_ * most_fork_pause_us / 1000);
        fork_steal_from_ = ticks_now() + fork_steal_pause_;
    }
    return point;
}

std::uint64_t worker::random() noexcept {
    // xorshift64: any cheap one will do.
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_;
}

// --- sleeping ----------------------------------------------------------------------------------------------------------------

void worker::wake_for_fork() noexcept {
    const std::uint64_t now = ticks_now();
    if (now < next_fork_wake_) return;
    fork_wake_pause = std::clamp(2 * fork_wake_pause, ticks_per_ms_ * least_fork_pause_us / 1000,
                                 ticks_per_ms_ * most_fork_pause_us / 1000);
    if (core_.uses().fork_pauses) next_fork_wake_ = now + fork_wake_pause;
    if (const auto sleeper = core_.idle().after_fork_push()) core_.unpark(*sleeper);
}

bool worker::has_work_anywhere() noexcept {
    if (core_.should_stop() || !core_.injection().looks_empty()) return true;
    const bool looks_at_forks = fork_steal_from_ == 0 || ticks_now() >= fork_steal_from_;
    for (const auto& each : core_.workers())
        if (!each->queue_.looks_empty() || (looks_at_forks && !each->forks.looks_empty())) return true;
    return false;
}

void worker::park() noexcept {
    // What somebody is just taking is not seen here, and need not be: it is slower then.
    if (core_.has_rest() && !has_work_anywhere() && core_.end_rest()) return;
    if (may_rest_) count_.idle_wakes.add(1);
    set_stamp(asleep_stamp);
    core_.idle().announce_sleep(index_, std::exchange(is_searching_, false), core_.other_workers());
    if (has_work_anywhere()) {  // re-check: what was pushed before the fence in announce_sleep is seen here
        be_awake(awake_stamp);
        core_.idle().resume_search(index_);
        is_searching_ = true;
        // Somebody is in the middle of taking it, or of giving it, and may be waiting for a processor. Without this ping-pong took up to
        // 230 membarriers for 1,000 pairs in some runs with 16 workers on two processors, else 1 to 3.
        if (has_seen_in_vain_) wait_a_turn();
        has_seen_in_vain_ = true;
        if (!core_.has_other_workers()) leave_search();
        return;
    }
    has_seen_in_vain_ = false;
    auto deadline = wheel_->begin_rest();
    if (const std::uint64_t now = ticks_now(); now < fork_steal_from_) {
        // Backing off from forks that others hold: look again then, they may have become long ones.
        const auto pause = std::chrono::microseconds((fork_steal_from_ - now) * 1000 / ticks_per_ms_ + 1);
        deadline = std::min(deadline, steady_now() + pause);
    }
    count_.parks.add(1);
    end_stretch();
    event_driver* const driver = core_.driver();
    const bool serves = driver != nullptr && driver->try_enter();
    watching watch{driver};
    if (serves) {
        parker_.park_in(watch, deadline);
    } else {
        submit();
        parker_.park_until(deadline);
    }
    wheel_->end_rest();
    be_awake(awake_stamp);
    polls_left_ = 0;
    if (!core_.idle().cancel_sleep(index_)) {
        count_.wakes.add(1);
        may_rest_ = true;
        is_searching_ = true;
        if (!core_.has_other_workers()) leave_search();
    } else {
        may_rest_ = false;
    }
    if (serves) {
        hand_out_events(*driver);
        has_just_looked_ = watch.has_looked;
    }
}

}  // namespace pollux::inline v0::detail
