// SPDX-License-Identifier: MIT
// The clock that all deadlines of this library are given in.
#pragma once

#include <chrono>

#include "pollux/core/export.hpp"

namespace pollux::inline v0 {

/// A clock of the standard library's kind that is never set back. It ticks with std::chrono::steady_clock and has its epoch, so
/// a time point of one is a time point of the other: `instant(steady.time_since_epoch())`.
struct POLLUX_API clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<clock, duration>;
    static constexpr bool is_steady = true;

    /// Threads: any. Cost: one read of the system's monotonic clock.
    static time_point now() noexcept;
};

/// A point in time, for deadlines.
using instant = clock::time_point;

}  // namespace pollux::inline v0
