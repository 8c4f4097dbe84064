// SPDX-License-Identifier: MIT
// The cheapest monotonic clock there is: for slices and poll stamps, where a system clock call for each would cost more than
// the poll. Not for deadlines of users.
#pragma once

#include <cstdint>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <time.h>
#endif

namespace pollux::inline v0::detail {

/// On the way of a poll. Elsewhere ticks_now() of core/platform.hpp, which a simulation can stop.
inline std::uint64_t processor_ticks() noexcept {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    std::uint64_t value;
    asm volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
#else
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
#endif
}

/// Measured once against the steady clock, at the start of the first runtime (a fraction of a millisecond). At least 1.
std::uint64_t ticks_per_millisecond() noexcept;

}  // namespace pollux::inline v0::detail
