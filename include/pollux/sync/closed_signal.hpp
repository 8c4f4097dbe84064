// SPDX-License-Identifier: MIT
// Whether the receiver of a channel has closed it or is gone, and the senders who wait for that. Part of a channel; calls wakers.
//
// Threads: any; closing by one at a time.
#pragma once

#include <atomic>
#include <utility>

#include "pollux/core/ring_links.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/sync/waiter_links.hpp"

namespace pollux::inline v0::detail {

class closed_signal {
public:
    /// Stands in a future.
    using waiter = waiter_links<waker>;

    bool is_closed() const noexcept {
        // Acquire: pairs with the release in close(): what came before is visible.
        return is_closed_.load(std::memory_order::acquire);
    }
    void close() noexcept {
        wakers_to_call<waker> woken;
        for (bool is_left = true; is_left;) {
            {
                const lock_scope guard(lock_);
                // Release: what came before, for the acquires in is_closed() and wait().
                is_closed_.store(true, std::memory_order::release);
                while (!waiting_.is_alone() && !woken.is_full()) woken.take(static_cast<waiter&>(waiting_.first()));
                is_left = !waiting_.is_alone();
            }
            woken.call();
        }
    }

    /// True: `to_wake` will be woken. False: it is closed. By one thread at a time for each waiter.
    bool wait(waiter& one, const waker& to_wake) noexcept {
        waker other = to_wake;  // in the end the replaced one, dropped after the lock was given back
        const lock_scope guard(lock_);
        if (is_closed_.load(std::memory_order::acquire)) return false;  // as in is_closed()
        std::swap(one.waker, other);
        if (one.is_alone()) waiting_.push_back(one);
        return true;
    }
    /// It waits no longer, if it did.
    void withdraw(waiter& one) noexcept {
        waker dropped;  // after the lock was given back
        const lock_scope guard(lock_);
        one.leave();
        std::swap(one.waker, dropped);
    }

private:
    ring_links waiting_;  // guarded by the lock
    short_lock lock_;
    std::atomic<bool> is_closed_{false};
};

}  // namespace pollux::inline v0::detail
