// SPDX-License-Identifier: MIT
// The waker of a leaf future that another thread completes. For users who write such a future, and for the library's
// own.
#pragma once

#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/core/waker_cell.hpp"

namespace pollux::inline v0::sync {

/// Keeps the waker of the latest poll until an event uses it up. The future's poll calls store() first and then looks
/// whether the event has come; whoever brings the event about makes it visible (any atomic, relaxed is enough) and then
/// calls wake(). In this order no wake-up is lost, and the poll that follows a wake() sees what was written before it.
///
/// Threads: store() by one at a time (two polls of one future never overlap); wake() and take() by any, also at the
/// same time.
/// Cost: no allocation. wake() is one read-modify-write if nothing is stored, else two and the waker's. store() is one
/// and a clone after a wake(); two while the last waker is still there, cloned only if it is another one.
/// Source: the idea of futures-rs' AtomicWaker; the protocol is argued in sync/waker_cell.hpp.
class atomic_waker {
public:
    atomic_waker() noexcept = default;

    /// The next wake() wakes `waker`, and no longer the one that was stored before. May wake it itself, if a wake() for
    /// the one before is on its way.
    void store(const waker& waker) noexcept { cell_.store(waker); }

    /// Wakes the stored waker and forgets it.
    void wake() noexcept { cell_.wake(); }

    /// As wake(), but the caller wakes it, later or never: for wakers to be called after a lock was given back, and to
    /// let go of a task that no longer waits. Wakes nobody if none was stored.
    [[nodiscard]] waker take() noexcept { return cell_.take(); }

private:
    detail::waker_cell<waker, detail::std_sync> cell_;
};

}  // namespace pollux::inline v0::sync
