// SPDX-License-Identifier: MIT
#include "core/ticks.hpp"

#include <algorithm>
#include <chrono>

namespace pollux::inline v0::detail {

namespace {

std::uint64_t measure() noexcept {
    using clock = std::chrono::steady_clock;
    // Long enough that the two reads at each end, some 50 ns, are lost in it; short enough not to be felt at start-up.
    constexpr auto long_enough = std::chrono::microseconds(200);
    const auto start = clock::now();
    const std::uint64_t first = processor_ticks();
    auto now = start;
    while (now - start < long_enough) now = clock::now();
    const std::uint64_t ticks = processor_ticks() - first;
    const auto elapsed = std::chrono::duration_cast<std::chrono::nanoseconds>(now - start).count();
    return std::max<std::uint64_t>(1, ticks * 1'000'000u / static_cast<std::uint64_t>(elapsed));
}

}  // namespace

std::uint64_t ticks_per_millisecond() noexcept {
    static const std::uint64_t measured = measure();
    return measured;
}

}  // namespace pollux::inline v0::detail
