// SPDX-License-Identifier: MIT
// sleep_for and sleep_until. The entry in a worker's wheel stands in the future itself; its work is in lib/driver. A deadline that is
// put off leaves the entry where it is: it fires at the old deadline, and the poll after that arms it for the new one.
#pragma once

#include <chrono>
#include <cstddef>
#include <type_traits>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/time/clock.hpp"

namespace pollux::inline v0 {

namespace detail {
struct sleep_entry;
}

/// A future that is ready at an instant. Never early; late by up to a `runtime_options::timer_tick`, and by what the system's timers and
/// the load cost. A deadline in the past is ready at the first poll; one that the clock cannot reach stays pending.
///
/// Throws: when polled, no_runtime outside a runtime, task_cancelled if its runtime has ended.
/// Threads: polled by one at a time. It may be moved until its first poll.
/// Cancel: dropping it takes it out of the wheel; nothing of it is left there.
/// Cost: no allocation. A short lock of one worker's wheel to arm and to drop and a few steps, however many sleeps are armed; a poll while
/// it is armed takes no lock if its waker is the same.
/// Source: hierarchical timing wheels (Varghese and Lauck, 1987).
class POLLUX_API [[nodiscard]] sleep {
public:
    using value_type = void;
    using error_type = never;

    sleep(sleep&& other) noexcept;
    sleep& operator=(sleep&&) = delete;
    ~sleep();

    polled<> poll(context& cx);

    /// When it is or was ready; of a sleep_for that nobody has polled, when it would be if it were polled now.
    instant deadline() const noexcept;
    /// Another deadline, before the first poll, while it is pending, or after it was ready: then it may be polled again. Whoever waits for
    /// it is woken in time. Threads: as poll().
    /// Cost: none to put it off but one spurious wake-up at the old deadline; a lock and a spurious wake-up at once to bring it forward.
    void reset(instant deadline) noexcept;

    /// For the library: from the first poll on.
    explicit sleep(clock::duration after) noexcept : after_(after) {}
    explicit sleep(instant deadline) noexcept : deadline_(deadline), has_deadline_(true) {}

private:
    detail::sleep_entry& entry() noexcept;
    void leave() noexcept;

    clock::duration after_{};
    instant deadline_{};
    bool has_deadline_ = false;
    bool has_entry_ = false;
    // Made at the first poll that has to wait.
    alignas(void*) std::byte entry_[7 * sizeof(void*)];
};

namespace detail {

// Saturates instead of overflowing: a hundred years in any unit, and nanoseconds::max(). What is not a number is the least.
template <class Rep, class Period>
constexpr clock::duration saturated(std::chrono::duration<Rep, Period> d) noexcept {
    using seconds = std::chrono::duration<double>;
    if (std::chrono::duration_cast<seconds>(d) >= std::chrono::duration_cast<seconds>(clock::duration::max()))
        return clock::duration::max();
    if (!(std::chrono::duration_cast<seconds>(d) > std::chrono::duration_cast<seconds>(clock::duration::min())))
        return clock::duration::min();
    if constexpr (std::is_floating_point_v<Rep>)
        return std::chrono::duration_cast<clock::duration>(d);
    else
        return std::chrono::ceil<clock::duration>(d);
}

/// A deadline that the clock cannot reach is its last instant.
constexpr instant later(instant begin, clock::duration by) noexcept {
    return begin > instant() && by >= instant::max() - begin ? instant::max() : begin + by;
}

}  // namespace detail

/// Ready `d` after its first poll.
template <class Rep, class Period>
sleep sleep_for(std::chrono::duration<Rep, Period> d) noexcept {
    return sleep(detail::saturated(d));
}
/// Ready at `deadline`.
inline sleep sleep_until(instant deadline) noexcept { return sleep(deadline); }

}  // namespace pollux::inline v0
