// SPDX-License-Identifier: MIT
// What the library wants of the operating system: the seam at which a simulation puts a virtual clock and threads of its own in
// the system's place, and a stress test its random yields. One is installed for a thread; in production there is none, and each
// function here is a test of a null pointer before the system call. Nothing on the way of a poll asks it.
//
// For a runtime over simulated threads a millisecond is zero ticks, so that whatever measures time by ticks stands still
// (runtime_core::ticks_per_ms).
#pragma once

#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "core/ticks.hpp"

namespace pollux::inline v0::detail {

class runtime_core;
struct runnable;

/// A thread that a platform has made.
struct platform_thread {
    virtual ~platform_thread() = default;
    /// Returns once its function has returned. Once, by one thread.
    virtual void join() noexcept = 0;
};

/// The operating system as it is; a simulation overrides what it stands in for.
class platform {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using word = std::atomic<std::uint32_t>;

    platform() noexcept = default;
    platform(const platform&) = delete;
    platform& operator=(const platform&) = delete;
    virtual ~platform() = default;

    /// Another thread may go on here; `where` says between which steps. Never called with a std::mutex held.
    virtual void yield_point(const char* where) noexcept;
    virtual time_point now() noexcept;
    /// See os_futex::wait.
    virtual bool wait(const word& waited_for, std::uint32_t value, time_point deadline) noexcept;
    /// The same without a deadline, in a block_on of this thread inside `runtime` (null: in none). Throws: where nobody is left who
    /// could end the wait.
    virtual void wait_in_block_on(const word& waited_for, std::uint32_t value, const runtime_core* runtime);
    /// One turn of a loop that waits for another thread, or until `deadline`.
    virtual void wait_a_turn(time_point deadline) noexcept;
    /// A worker has the choice between the item at hand and those behind it. True: these first. Only where has_threads().
    virtual bool prefers_later_ones() noexcept;
    /// A worker is about to run `item`. Only where has_threads().
    virtual void runs(runnable& item) noexcept;

    /// It makes threads itself: start() does. Else they are the system's.
    virtual bool has_threads() const noexcept;
    /// A thread of its own; who drops what is returned leaves it to itself. Throws: what there is no memory for.
    virtual std::shared_ptr<platform_thread> start(std::function<void()> body);
};

/// This thread's, or null: the operating system. Initial-exec: one load.
extern constinit thread_local platform* current_platform [[gnu::tls_model("initial-exec")]];

/// Installs one, or none, for a scope.
class platform_scope {
public:
    explicit platform_scope(platform* installed) noexcept : outer_(current_platform) { current_platform = installed; }
    platform_scope(const platform_scope&) = delete;
    platform_scope& operator=(const platform_scope&) = delete;
    ~platform_scope() { current_platform = outer_; }

private:
    platform* const outer_;
};

inline platform::time_point steady_now() noexcept {
    return current_platform != nullptr ? current_platform->now() : std::chrono::steady_clock::now();
}

/// This thread is one of a simulation's.
inline bool is_simulated_thread() noexcept { return current_platform != nullptr && current_platform->has_threads(); }

/// Of core/ticks.hpp. Zero in a simulation: the processors' counters are not the same to the last tick, so that a pause that is over at
/// once would now and then not be.
inline std::uint64_t ticks_now() noexcept { return is_simulated_thread() ? 0 : processor_ticks(); }

inline void wait_a_turn(platform::time_point deadline = platform::time_point::max()) noexcept {
    if (current_platform != nullptr)
        current_platform->wait_a_turn(deadline);
    else
        ::sched_yield();
}

// What is left until `deadline`, none if it is over, as the system takes it.
template <class Timespec>
Timespec time_left(platform::time_point deadline) noexcept {
    using namespace std::chrono;
    const auto now = steady_now();
    const nanoseconds left = deadline > now ? deadline - now : nanoseconds::zero();
    Timespec made{};
    made.tv_sec = static_cast<decltype(made.tv_sec)>(duration_cast<seconds>(left).count());
    made.tv_nsec = static_cast<decltype(made.tv_nsec)>((left % seconds(1)).count());
    return made;
}

// Between two looks of a loop that spins.
inline void pause_cpu() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

inline void yield_point(const char* where) noexcept {
    if (current_platform != nullptr) [[unlikely]]
        current_platform->yield_point(where);
}

}  // namespace pollux::inline v0::detail
