// SPDX-License-Identifier: MIT
// What brings a runtime events from outside, as its workers see it: one of those that have nothing to do sleeps in it instead of on
// its parker, and whoever is busy looks into it now and then. The reactor (lib/driver) is one; a runtime has it from the first
// socket on.
//
// The seat. Whoever serves the driver has its seat, so events are harvested by one thread at a time. Claim: unless every worker is in
// a poll, or is kept from running by the system, events are handed out at once; and if some worker is not, after its poll, or as soon
// as the watchdog has hired one that stands in. Proof: a worker takes the seat, if it is free, before it sleeps, and keeps it while it
// sleeps; so if one sleeps and nobody has the seat, whoever had it is awake, and takes it again before it sleeps (a stand-in that is
// relieved wakes the one that it stood in for, after it has left the seat). A busy worker looks once in an interval (worker::next).
// A worker that sleeps in the driver is woken by interrupt(): see parker.hpp.
// Who takes the seat once and does not come back to it (a thread that is no worker) has kept a worker from it meanwhile that may sleep by
// now: behind leave() it does what a publisher does (idle_set.hpp), as if the free seat were what it has pushed. Is nobody claimed then,
// each worker is busy, or looks at the seat behind the fence of its sleep, which is behind leave().
#pragma once

#include <atomic>

#include "core/platform.hpp"

namespace pollux::inline v0::detail {

class event_driver {
public:
    using time_point = platform::time_point;

    event_driver() noexcept = default;
    event_driver(const event_driver&) = delete;
    event_driver& operator=(const event_driver&) = delete;
    virtual ~event_driver() = default;

    /// Takes the seat, if it is free. Threads: any.
    [[nodiscard]] bool try_enter() noexcept {
        // Relaxed: a look that saves the line from those that will not get it.
        if (is_taken_.load(std::memory_order::relaxed)) return false;
        return !is_taken_.exchange(true, std::memory_order::acquire);  // pairs with leave()
    }
    void leave() noexcept { is_taken_.store(false, std::memory_order::release); }  // pairs with try_enter()

    // Who has the seat.
    /// Harvests: sleeps until there is an event, the deadline is over, or somebody interrupts. time_point::min(): does not sleep.
    virtual void wait(time_point deadline) noexcept = 0;
    /// Wakes those who wait for what was harvested. True: there was something.
    virtual bool hand_out() noexcept = 0;

    /// Hands on to the system what was only written down for it; wait() does, too. Called by who is about to wait elsewhere. Threads: any.
    virtual void submit() noexcept {}
    /// Ends this or the next wait(). Threads: any.
    virtual void interrupt() noexcept = 0;

private:
    std::atomic<bool> is_taken_{false};
};

class runtime_core;

/// The runtime is to have its driver from the beginning. Defined where that is. Throws: std::system_error, std::bad_alloc.
void start_driver(runtime_core& core);

}  // namespace pollux::inline v0::detail
