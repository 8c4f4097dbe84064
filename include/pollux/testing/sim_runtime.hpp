// SPDX-License-Identifier: MIT
// A runtime for tests in which a seed decides every interleaving: the same scheduler as `runtime`, over simulated threads and a
// virtual clock, on the thread that made it.
#pragma once

#include <chrono>
#include <cstdint>
#include <source_location>
#include <string>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/time/clock.hpp"

namespace pollux::inline v0 {

namespace detail {

class platform;
class simulation;

// The calls of this scope go to the simulation, whatever others live on this thread.
class POLLUX_API simulation_scope {
public:
    /// Throws: testing::assertion_failed on another thread than the simulation's.
    explicit simulation_scope(simulation& world);
    simulation_scope(const simulation_scope&) = delete;
    simulation_scope& operator=(const simulation_scope&) = delete;
    ~simulation_scope();

private:
    platform* outer_;
};

}  // namespace detail

namespace testing {

/// As `runtime`, but its workers, the threads of `blocking` and those of `offload` are simulated on the one thread that made it. They
/// are switched inside the scheduler too, between the steps in which real threads race: in the middle of a push, of a theft, of going
/// to sleep. The seed decides each switch, each theft, and which of the tasks that are ready, or whose sleeps end together, goes first;
/// two runs of a seed are identical.
///
/// The clock is virtual: no time passes while code runs, and when nothing can run it jumps to the next timer. `clock::now()` on this
/// thread tells that time as long as the object lives.
///
///     for (std::uint64_t seed = 1; seed <= 500; ++seed) {
///         pollux::testing::sim_runtime sim(seed);
///         sim.block_on(what_is_to_be_tested());
///     }
///
/// To repeat a failure set POLLUX_SEED in the environment: it takes the place of every seed. Which one it was is printed on stderr
/// when an exception passes the object, and stands in the messages of its own exceptions.
///
/// What a test has to keep to: the thread that made it is the only one that uses it; what is tested takes no real clock, no random
/// device and no other threads; a std::mutex is not held across a call that wakes, spawns or waits.
///
/// Threads: the one that made it, for all members.
class POLLUX_API sim_runtime {
public:
    /// `options.workers == 0`: one to four, as the seed says. Throws: as the constructor of runtime, but for the system's threads;
    /// assertion_failed if POLLUX_SEED is set and no number.
    explicit sim_runtime(std::uint64_t seed, runtime_options options = {});
    sim_runtime(const sim_runtime&) = delete;
    sim_runtime& operator=(const sim_runtime&) = delete;
    /// As ~runtime.
    ~sim_runtime();

    /// As runtime::block_on. Throws, too: assertion_failed if nothing can run and no timer is armed, so that it would wait for
    /// ever: a wake-up was lost, or never comes.
    template <class F>
    decltype(auto) block_on(F&& work) {
        const detail::simulation_scope scope(*world_);
        return detail::with_future(std::forward<F>(work),
                                   [this](auto& fut) { return detail::block_on_in(*core_, fut); });
    }
    /// As runtime::spawn. The task may begin at once, or not before this thread waits.
    template <class F>
    auto spawn(F&& work, std::source_location where = std::source_location::current()) {
        const detail::simulation_scope scope(*world_);
        return detail::spawn_on(detail::spawn_target(*core_), std::forward<F>(work), where);
    }
    runtime_handle handle() const noexcept { return runtime_handle(*core_); }
    /// As runtime::shutdown, in virtual time.
    shutdown_report shutdown(std::chrono::nanoseconds grace);
    runtime_metrics metrics() const noexcept;

    /// Lets everything run for `duration` of virtual time, timers in their order; zero: until nothing can run any more now.
    /// Throws: std::system_error(resource_deadlock_would_occur) inside one of its tasks or jobs; std::invalid_argument if `duration` is
    /// negative.
    void advance(std::chrono::nanoseconds duration);
    /// The virtual time.
    instant now() const noexcept;

    /// The one it was made with, or POLLUX_SEED.
    std::uint64_t seed() const noexcept;
    /// What has happened so far, a line each: which thread went on where, which task it ran, when the clock moved. The same, byte
    /// for byte, in each run of a seed. It grows as long as the object lives, some 50 bytes an event.
    const std::string& event_log() const noexcept;

private:
    detail::simulation* world_;
    detail::runtime_core* core_;
    int exceptions_;
};

}  // namespace testing

}  // namespace pollux::inline v0
