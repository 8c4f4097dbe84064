// SPDX-License-Identifier: MIT
// What another thread is doing, as the kernel sees it: whether it waits for something, and how long it has run. The watchdog asks
// it about workers that do not get on: one that only waits for its turn on a processor is not stuck, and more threads would make
// that worse.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <atomic>
#include <chrono>

namespace pollux::inline v0::detail {

/// Threads: take_this_thread() by the one to be watched, the rest by any.
class thread_probe {
public:
    void take_this_thread() noexcept;

    /// It neither runs nor waits for a processor. True as well if the system does not say. Cost: some 10 microseconds.
    bool is_blocked() const noexcept;
    /// On a processor so far; zero if the system does not say. Cost: a system call.
    std::chrono::nanoseconds cpu_time() const noexcept;

private:
    // Relaxed, both: a look that began at the last thread may see the next one, and is one look wrong.
    std::atomic<::pid_t> id_{0};
    std::atomic<::clockid_t> clock_{0};
};

}  // namespace pollux::inline v0::detail
