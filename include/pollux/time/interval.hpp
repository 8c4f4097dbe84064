// SPDX-License-Identifier: MIT
// `interval` and `interval_at`: a stream of instants, one a period.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/time/clock.hpp"
#include "pollux/time/sleep.hpp"

namespace pollux::inline v0 {

/// What an interval does that is polled more than 5 ms late; up to that, the next tick is a period after the last one, whatever was said.
/// Source: the meaning of Tokio's MissedTickBehavior.
enum class missed_tick : unsigned char {
    burst,  ///< gives those that were missed one after the other, until it has caught up
    delay,  ///< gives this one, and the next a period after now; the instants shift
    skip,   ///< gives this one, and leaves out the others that have come; the instants stay multiples of the period
};

/// The instants that an interval was to tick at, as a stream without an end: each is given when it has come, never early. They are
/// exactly a period apart unless a tick was missed or, with `missed_tick::delay`, late. It may be moved until its first poll.
///
/// Throws: when polled, as `sleep`.
/// Threads: polled by one at a time.
/// Cancel: dropping a pending `next` loses no tick.
/// Cost: one sleep, armed again for each tick; no allocation.
class POLLUX_API [[nodiscard]] interval_stream {
public:
    using value_type = instant;
    using error_type = never;

    polled<std::optional<instant>> poll_next(context& cx);

    /// What happens to ticks that were missed, or late: `missed_tick::burst` unless said. Also between polls.
    interval_stream& on_missed(missed_tick policy) & noexcept {
        policy_ = policy;
        return *this;
    }
    interval_stream on_missed(missed_tick policy) && noexcept {
        policy_ = policy;
        return std::move(*this);
    }

    /// For the library. Throws: std::invalid_argument if `period` is not positive.
    explicit interval_stream(clock::duration period);
    interval_stream(instant first, clock::duration period);

private:
    instant after(instant tick) const noexcept;

    clock::duration period_;
    sleep next_;
    missed_tick policy_ = missed_tick::burst;
};

/// A tick each `d`, the first at once, at the first poll. Throws: std::invalid_argument if `d` is not positive.
template <class Rep, class Period>
interval_stream interval(std::chrono::duration<Rep, Period> d) {
    return interval_stream(detail::saturated(d));
}

/// A tick at `first`, and one each `d` after it. Throws: std::invalid_argument if `d` is not positive.
template <class Rep, class Period>
interval_stream interval_at(instant first, std::chrono::duration<Rep, Period> d) {
    return interval_stream(first, detail::saturated(d));
}

}  // namespace pollux::inline v0
