// SPDX-License-Identifier: MIT
// For locks that are held for some ten nanoseconds by threads that work hard: a short spin before the thread sleeps, because a
// futex call and the switch after it take a hundred times as long as the lock is held.
#pragma once

#include <mutex>

namespace pollux::inline v0::detail {

inline void pause_cpu() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

inline std::unique_lock<std::mutex> lock_briefly(std::mutex& lock) noexcept {
    // About a microsecond: many times what the lock is held, and little when its holder has lost its CPU. A guess.
    constexpr int tries = 32;
    std::unique_lock guard(lock, std::try_to_lock);
    for (int i = 0; i != tries && !guard.owns_lock(); ++i) {
        pause_cpu();
        static_cast<void>(guard.try_lock());
    }
    if (!guard.owns_lock()) guard.lock();
    return guard;
}

}  // namespace pollux::inline v0::detail
