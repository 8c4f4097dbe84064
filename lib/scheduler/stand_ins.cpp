// SPDX-License-Identifier: MIT
#include "scheduler/stand_ins.hpp"

#include <utility>

#include "scheduler/runtime_core.hpp"
#include "scheduler/thread_hooks.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

namespace {

using steady = std::chrono::steady_clock;

// From a thread that could not be had to the next attempt. A guess: rare enough to cost nothing.
constexpr auto pause_after_failure = std::chrono::milliseconds(100);

}  // namespace

stand_ins::~stand_ins() = default;

// --- hiring and relieving ----------------------------------------------------------------------------------------------------

void stand_ins::take_over(worker& away, absence why) noexcept {
    const std::lock_guard guard(lock_);
    away.away_for_ |= static_cast<unsigned>(why);
    see_to(away);
}

void stand_ins::give_back(worker& back, absence why) noexcept {
    const std::lock_guard guard(lock_);
    back.away_for_ &= ~static_cast<unsigned>(why);
    if (back.away_for_ != 0) return;
    // Those that stand in for a stand-in, too: it is not needed any more, so neither are they.
    worker* one = back.stand_in_.exchange(nullptr, std::memory_order::relaxed);  // relaxed: written under the lock only
    while (one != nullptr) {
        one->is_relieved_.store(true, std::memory_order::relaxed);  // the token publishes it
        one->unpark();
        one = one->stand_in_.exchange(nullptr, std::memory_order::relaxed);  // as above
    }
}

void stand_ins::try_again() noexcept {
    const std::lock_guard guard(lock_);
    has_missing_.store(false, std::memory_order::relaxed);  // with the lock held
    for (const auto& each : core_.workers())
        if (each->away_for_ != 0) see_to(*each);
}

void stand_ins::see_to(worker& away) noexcept {
    // Relaxed, both: written under the lock only.
    if (away.is_relieved_.load(std::memory_order::relaxed)) return;
    if (away.stand_in_.load(std::memory_order::relaxed) != nullptr) return;
    // Where a stand-in has ended with the runtime, it rests without having been relieved, so it could be hired for itself. This lock
    // shows that.
    if (is_closed_ || core_.should_stop()) return;
    if (steady_now() >= next_try_) {
        try {
            if (member* const one = find()) return hire(*one, away);
        } catch (...) {  // no memory or no thread: the same as no place
        }
        next_try_ = steady_now() + pause_after_failure;
    }
    miss_one();
}

// With the lock held. The watchdog tries again later.
void stand_ins::miss_one() noexcept {
    has_missing_.store(true, std::memory_order::relaxed);
    core_.watch().has_to_look(core_.idle().is_asymmetric());
}

// One that rests; else a worker that needs a thread. Null: all are at work, and there is no room for more.
stand_ins::member* stand_ins::find() {
    member* found = nullptr;
    for (const auto& each : members_) {
        if (each->state == life::resting) return each.get();
        if (each->state == life::no_thread) found = each.get();
    }
    if (found != nullptr || !core_.workers().has_room()) return found;
    std::unique_ptr<worker> made = core_.make_worker();
    members_.push_back(std::make_unique<member>(*made));
    core_.workers().add(std::move(made));
    return members_.back().get();
}

void stand_ins::hire(member& one, worker& away) {
    worker& self = one.self;
    self.wheel_ = away.wheel_;
    self.away_for_ = 0;
    self.is_relieved_.store(false, std::memory_order::relaxed);  // the lock publishes it
    if (one.state == life::no_thread) {
        one.thread = core_.start_thread([this, &one]() noexcept { live(one); });
    } else {
        one.rest.unpark();
    }
    one.state = life::working;
    active_.fetch_add(1, std::memory_order::relaxed);  // the lock publishes it to the one that is hired
    // Release: pairs with the acquire in worker::stand_in(): shows the worker.
    away.stand_in_.store(&self, std::memory_order::release);
}

// --- a thread's life ---------------------------------------------------------------------------------------------------------

void stand_ins::live(member& self) noexcept {
    name_this_thread(core_.options().name, self.self.index());
    if (enter(self)) {
        do self.self.run_until_relieved();
        while (rest(self));
        run_hook(core_.options().on_thread_stop, "on_thread_stop");
    }
    // The thread that ended before this one has done all but return. Here nobody else has to wait while it destroys what a user has made
    // thread_local.
    runtime_thread ended_before;
    {
        const std::lock_guard guard(lock_);
        self.state = life::no_thread;
        ended_before = std::exchange(ended_last_, std::move(self.thread));
    }
    if (ended_before.joinable()) ended_before.join();
}

// False: the hook has thrown. As if there had been no thread: somebody else may stand in, later.
bool stand_ins::enter(member& self) noexcept {
    { const std::lock_guard hired(lock_); }
    if (run_hook(core_.options().on_thread_start, "on_thread_start")) return true;
    const std::lock_guard guard(lock_);
    active_.fetch_sub(1, std::memory_order::relaxed);  // with the lock held
    for (const auto& each : core_.workers()) {
        // Relaxed, both: written under the lock only.
        if (each->stand_in_.load(std::memory_order::relaxed) != &self.self) continue;
        each->stand_in_.store(nullptr, std::memory_order::relaxed);
        miss_one();
    }
    next_try_ = steady_now() + pause_after_failure;
    return false;
}

// True: it was hired again. False: the thread is to end.
bool stand_ins::rest(member& self) noexcept {
    const auto now = steady_now();
    const auto pause = core_.options().blocking_keep_alive;
    const auto deadline = pause > steady::time_point::max() - now ? steady::time_point::max() : now + pause;
    std::unique_lock guard(lock_);
    active_.fetch_sub(1, std::memory_order::relaxed);  // with the lock held
    self.state = life::resting;
    while (self.state == life::resting) {
        if (is_closed_ || core_.should_stop()) return false;
        guard.unlock();
        const bool has_token = self.rest.park_until(deadline);
        guard.lock();
        if (!has_token && self.state == life::resting) {
            self.state = life::working;  // so that nobody hires it until live() has given it up
            return false;
        }
    }
    return true;
}

// --- the end -----------------------------------------------------------------------------------------------------------------

void stand_ins::stop() noexcept {
    {
        const std::lock_guard guard(lock_);
        is_closed_ = true;
        for (const auto& each : members_) {
            each->rest.unpark();
            each->self.unpark();  // it may have come too late for the one that stopped the workers
        }
    }
    // None is added any more. Who has not been taken here before it ends waits for the one that ended before it.
    for (const auto& each : members_) join_one(each->thread);
    join_one(ended_last_);
}

void stand_ins::join_one(runtime_thread& thread) noexcept {
    runtime_thread taken;
    {
        const std::lock_guard guard(lock_);
        taken = std::move(thread);
    }
    if (taken.joinable()) taken.join();
}

}  // namespace pollux::inline v0::detail
