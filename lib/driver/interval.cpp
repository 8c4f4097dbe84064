// SPDX-License-Identifier: MIT
#include "pollux/time/interval.hpp"

#include <chrono>
#include <cstdint>
#include <stdexcept>

namespace pollux::inline v0 {

namespace {

// How late a tick may be taken as if it were not late. Tokio's: what a timer and a busy worker come to.
constexpr clock::duration still_in_time = std::chrono::milliseconds(5);

clock::duration checked(clock::duration period) {
    if (period <= clock::duration::zero())
        throw std::invalid_argument(
            "pollux: interval: the period is not positive, so every tick would be now; give more than 0");
    return period;
}

}  // namespace

interval_stream::interval_stream(clock::duration period)
    : period_(checked(period)), next_(sleep_for(clock::duration::zero())) {}

interval_stream::interval_stream(instant first, clock::duration period)
    : period_(checked(period)), next_(sleep_until(first)) {}

polled<std::optional<instant>> interval_stream::poll_next(context& cx) {
    if (next_.poll(cx).is_pending()) return pending;
    const instant tick = next_.deadline();
    next_.reset(after(tick));
    return std::optional(tick);
}

instant interval_stream::after(instant tick) const noexcept {
    const instant scheduled = detail::later(tick, period_);
    const instant now = clock::now();
    if (policy_ == missed_tick::burst || now <= detail::later(tick, still_in_time)) return scheduled;
    if (policy_ == missed_tick::delay) return detail::later(now, period_);
    // Unsigned: between the first instant and now there may be more than a duration holds.
    const auto late = static_cast<std::uint64_t>(now.time_since_epoch().count()) -
                      static_cast<std::uint64_t>(tick.time_since_epoch().count());
    const auto into_period = static_cast<clock::rep>(late % static_cast<std::uint64_t>(period_.count()));
    return detail::later(now, period_ - clock::duration(into_period));
}

}  // namespace pollux::inline v0
