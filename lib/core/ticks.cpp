// SPDX-License-Identifier: MIT
#include "core/ticks.hpp"

#include <algorithm>
#include <chrono>

namespace pollux::inline v0::detail {

namespace {

using clock = std::chrono::steady_clock;

struct reading {
    std::uint64_t ticks;
    clock::time_point time;
};

// Both clocks at one moment. An interrupt between the two reads would stay in the rate for as long as the process lives: of
// several tries, the one that took the fewest ticks had none.
reading read_both() noexcept {
    reading best{};
    std::uint64_t least = ~std::uint64_t{0};
    for (int i = 0; i != 8; ++i) {
        const std::uint64_t before = processor_ticks();
        const auto time = clock::now();
        const std::uint64_t took = processor_ticks() - before;
        if (took > least) continue;
        least = took;
        best = {before + took / 2, time};
    }
    return best;
}

std::uint64_t measure() noexcept {
    // Long enough that what a read takes, some 50 ns, is lost in it; short enough not to be felt at start-up.
    constexpr auto long_enough = std::chrono::microseconds(200);
    const reading first = read_both();
    while (clock::now() - first.time < long_enough) {}
    const reading last = read_both();
    const auto elapsed = std::chrono::duration_cast<std::chrono::nanoseconds>(last.time - first.time).count();
    const std::uint64_t ticks = last.ticks - first.ticks;
    return std::max<std::uint64_t>(1, ticks * 1'000'000u / static_cast<std::uint64_t>(elapsed));
}

}  // namespace

std::uint64_t ticks_per_millisecond() noexcept {
    static const std::uint64_t measured = measure();
    return measured;
}

}  // namespace pollux::inline v0::detail
