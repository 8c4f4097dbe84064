// SPDX-License-Identifier: MIT
// What the locks of this folder have in common: who waits stands in a ring, with a waker, and both are guarded by a short
// lock. Wakers are cloned before the lock is taken, moved under it, and called and dropped after it was given back.
#pragma once

#include <cstddef>
#include <utility>

#include "pollux/core/ring_links.hpp"
#include "pollux/core/short_lock.hpp"

namespace pollux::inline v0::detail {

template <class Waker>
struct waiter_links : ring_links {
    Waker waker;
};

// Wakers that were taken out under a lock. Room, between two holds of the lock: enough that locking costs little
// beside waking, and a small loop for the one that it mostly is. A guess.
template <class Waker, std::size_t Room = 8>
class wakers_to_call {
public:
    wakers_to_call() noexcept = default;
    wakers_to_call(const wakers_to_call&) = delete;
    wakers_to_call& operator=(const wakers_to_call&) = delete;

    bool is_full() const noexcept { return count_ == Room; }
    /// Takes `one` out of its list, and its waker. If not full.
    void take(waiter_links<Waker>& one) noexcept {
        one.leave();
        wakers_[count_++] = std::move(one.waker);
    }
    /// After the lock was given back.
    void call() noexcept {
        for (std::size_t i = 0; i != count_; ++i) std::move(wakers_[i]).wake();
        count_ = 0;
    }

private:
    Waker wakers_[Room];
    std::size_t count_ = 0;
};

// A poll of a future that stands in a list, or has. True: it goes on waiting, and `to_wake` will be woken. False: `is_over()`,
// which is asked under the lock.
template <class Waker, class Lock, class IsOver>
bool keep_waiting(waiter_links<Waker>& one, const Waker& to_wake, Lock& lock, IsOver is_over) noexcept {
    {
        const lock_scope guard(lock);
        if (is_over()) return false;
        if (one.waker.will_wake(to_wake)) return true;
    }
    Waker other = to_wake;  // in the end the replaced one, dropped after the lock was given back
    const lock_scope guard(lock);
    if (is_over()) return false;
    std::swap(one.waker, other);
    return true;
}

}  // namespace pollux::inline v0::detail
