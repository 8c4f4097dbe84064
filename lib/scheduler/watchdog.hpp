// SPDX-License-Identifier: MIT
// The thread that sees which polls take too long: it has somebody stand in for a worker that is stuck in one (stand_ins.hpp), and
// reports those that are over the limit (poll_gate.hpp: whose they are).
//
// Each worker keeps a stamp: 0 while it sleeps (or is away on purpose, or has left its loop), 1 while it is awake and has not polled
// yet, else when its poll has begun, a slice late. It is the deadline of the poll's budget, so it costs nothing. Between two polls
// the stamp is that of the last one: a worker that does not come to the next one is stuck all the same. Every few milliseconds the
// watchdog looks at all stamps. One that is old means a stuck worker, unless that is just waiting for a processor: on a machine with
// too much to do more threads are no help. One that is another than at the take-over means that the worker is back.
//
// An idle runtime makes no wake-ups. When all workers have slept for a second the watchdog sleeps, too, until one wakes it:
//   watchdog: (a) is_asleep_; (b) heavy fence; (c) read all stamps; park if all are 0 and nobody is missed.
//   worker:   (1) stamp, not 0, or stand_ins::has_missing(); (2) light fence; (3) is_asleep_: take that back, unpark the watchdog.
// Proof: a worker whose (1) is not seen in (c) has its interrupt of (b) before (1), so (3) sees (a). Without asymmetric fences (b)
// and (2) are full ones, which have one order. A worker that is added later comes to (3) later, too.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "pollux/core/sync_policy.hpp"
#include "scheduler/parker.hpp"
#include "scheduler/report_limit.hpp"
#include "scheduler/thread_hooks.hpp"

namespace pollux::inline v0::detail {

class runtime_core;
class worker;

// A worker's stamp where no poll has begun.
inline constexpr std::uint64_t asleep_stamp = 0, awake_stamp = 1;

class watchdog {
public:
    explicit watchdog(runtime_core& core) noexcept : core_(core) {}
    watchdog(const watchdog&) = delete;
    watchdog& operator=(const watchdog&) = delete;
    ~watchdog() = default;

    /// Starts the thread. Throws: std::system_error. Threads: who starts the runtime.
    void start();
    /// Joins it, if there is one. When the workers have ended. Threads: who ends the runtime.
    void stop() noexcept;

    /// The caller has made its stamp another than asleep, or found nobody to stand in for a worker. Cost: a load, and a system call if the
    /// watchdog sleeps. Threads: those of the runtime.
    void has_to_look(bool asymmetric) noexcept {
        if (asymmetric)
            std_sync::light_fence();  // (2); pairs with the heavy fence in sleep()
        else
            std_sync::full_fence();  // (2); pairs with the full fence there
        // (3). Relaxed, both: ordered by the fence; who takes the mark away unparks.
        if (is_asleep_.load(std::memory_order::relaxed) && is_asleep_.exchange(false, std::memory_order::relaxed))
            parker_.unpark();
    }

private:
    using time_point = std::chrono::steady_clock::time_point;

    void run() noexcept;
    bool sees_only_sleepers() const noexcept;
    void sleep() noexcept;
    void look() noexcept;
    void look_at(worker& each, std::uint64_t now) noexcept;
    static bool only_waits_for_cpu(worker& each, std::uint64_t stamp) noexcept;
    static std::chrono::nanoseconds cpu_time_since_noted(worker& each, std::uint64_t stamp) noexcept;
    void stand_in_for(worker& stuck, std::uint64_t stamp) noexcept;
    void report(worker& each, std::uint64_t stamp) noexcept;

    runtime_core& core_;
    parker parker_;
    std::atomic<bool> is_asleep_{false};
    std::atomic<bool> should_stop_{false};
    // Its thread's.
    report_limit limit_;
    bool looks_closely_ = false;  // the census does, for its sake
    runtime_thread thread_;
};

}  // namespace pollux::inline v0::detail
