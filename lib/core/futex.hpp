// SPDX-License-Identifier: MIT
// Sleeping on a word, and waking whoever does: the one place where the library's threads wait for each other in the kernel.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace pollux::inline v0::detail {

/// The kernel's side of a wait. Models put their own in its place, and a platform (core/platform.hpp) for a thread.
struct os_futex {
    using clock = std::chrono::steady_clock;

    /// Sleeps while the word is `value`, at most until `deadline` (time_point::max(): for ever). False: the deadline is over.
    /// True: for any other reason, be it none at all. Cost: a system call.
    static bool wait(const std::atomic<std::uint32_t>& word, std::uint32_t value, clock::time_point deadline) noexcept;
    /// The same, whatever the platform.
    static bool wait_in_system(const std::atomic<std::uint32_t>& word, std::uint32_t value,
                               clock::time_point deadline) noexcept;
    /// Wakes one thread that waits on this address. Cost: a system call.
    static void wake_one(const std::atomic<std::uint32_t>& word) noexcept;
};

}  // namespace pollux::inline v0::detail
