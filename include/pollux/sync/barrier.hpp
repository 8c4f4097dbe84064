// SPDX-License-Identifier: MIT
// barrier: tasks and threads wait for each other until there are so many. The code stands in lib/sync/barrier.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/ring_links.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/sync/waiter_links.hpp"

namespace pollux::inline v0::sync {

class barrier;

}  // namespace pollux::inline v0::sync

namespace pollux::inline v0::detail {

class [[nodiscard]] POLLUX_API barrier_future {
public:
    using value_type = bool;
    using error_type = never;

    explicit barrier_future(sync::barrier& at) noexcept : at_(at) {}
    barrier_future(barrier_future&& other) noexcept;
    barrier_future& operator=(barrier_future&&) = delete;
    ~barrier_future();

    // The check stands here: whether it is made is the choice of who polls, not of how the library was built.
    polled<bool> poll(context& cx) noexcept {
        debug_check(step_ != step::is_over,
                    "pollux: barrier::wait: polled after it was ready; poll a future to its end once");
        return advance(cx);
    }

private:
    enum class step : unsigned char { fresh, waits, is_through, is_last, is_over };

    polled<bool> advance(context& cx) noexcept;

    sync::barrier& at_;
    waiter_links<waker> waiter_;  // guarded by the barrier's lock from the first poll on
    std::uint64_t round_ = 0;     // in which it arrived
    step step_ = step::fresh;
};

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::sync {

/// Lets nobody through before `n` have come; then all of them, and the next round begins. `n` of 0 is as 1: each is let
/// through at once.
///
/// It must outlive its futures, and the poll of the last that comes. Threads: any, at the same time. What each has written
/// before it came is visible to all behind it.
/// Cost: 48 bytes, no allocation. A short lock in each poll; the last that comes calls the wakers of the others.
/// Source: Tokio's Barrier; there a future that is dropped still counts.
class POLLUX_API barrier {
public:
    explicit barrier(std::size_t n) noexcept : count_(n == 0 ? 1 : n) {}
    barrier(const barrier&) = delete;
    barrier& operator=(const barrier&) = delete;

    /// A future that comes to the barrier in its first poll and is ready when as many have come. True for exactly one of them:
    /// the last.
    ///
    /// Cancel: dropping it while it waits takes it back: one more has to come. Dropped after the last has come it changes
    /// nothing; if it was the last itself, and its poll had spent the budget, nobody gets true.
    /// Cost: no allocation, the waiter lives in the future.
    detail::barrier_future wait() noexcept { return detail::barrier_future(*this); }

private:
    friend detail::barrier_future;

    const std::size_t count_;
    // Guarded by the lock.
    detail::short_lock lock_;
    std::size_t arrived_ = 0;  // in this round
    std::uint64_t round_ = 0;
    detail::ring_links line_;
};

}  // namespace pollux::inline v0::sync
