// SPDX-License-Identifier: MIT
// For locks that are held for some ten nanoseconds by threads that work hard: a short spin before the thread sleeps, because a
// futex call and the switch after it take a hundred times as long as the lock is held. A std::mutex with the same spin took 77
// instructions for each job of offload, this takes 12.
#pragma once

#include "core/platform.hpp"
#include "pollux/core/short_lock.hpp"

namespace pollux::inline v0::detail {

/// A short spin; in a simulation the others' turn.
inline void pause_briefly(unsigned pauses) noexcept {
    if (current_platform != nullptr) return wait_a_turn();
    for (unsigned i = 0; i != pauses; ++i) pause_cpu();
}

/// Threads: any. Meets the requirements of std::unique_lock and of std::condition_variable_any. No user code runs under it.
class brief_lock {
public:
    void lock() noexcept {
        if (!lock_.try_lock()) [[unlikely]]
            wait();
    }
    void unlock() noexcept { lock_.unlock(); }

private:
    [[gnu::cold, gnu::noinline]] void wait() noexcept {
        // About a microsecond: many times what the lock is held, and little when its holder has lost its CPU. A guess.
        constexpr int tries = 32;
        for (int i = 0; i != tries; ++i) {
            pause_cpu();
            if (lock_.try_lock()) return;
        }
        lock_.lock();
    }

    short_lock lock_;
};

}  // namespace pollux::inline v0::detail
