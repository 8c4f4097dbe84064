// SPDX-License-Identifier: MIT
// The way into the kernel, for who finds the lock taken and for who wakes it.
#include "pollux/core/short_lock.hpp"

#include "core/futex.hpp"
#include "core/platform.hpp"
#include "core/stand_back.hpp"

namespace pollux::inline v0::detail {

void short_lock::wait() noexcept {
    // A microsecond or less: many times what the lock is held, and little beside a futex call, the switch after it, and the wake-up.
    // A guess; bench_mpsc with two workers takes 0.93 of the time, and a twentieth of the futex calls: 140 for 500,000 items.
    constexpr int tries = 32;
    for (int i = stands_back ? 0 : tries; i != tries; ++i) {
        pause_cpu();
        // Relaxed: try_lock() looks again.
        if (word_.load(std::memory_order::relaxed) == free_ && try_lock()) return;
    }
    // Acquire: pairs with the releases in unlock() and try_unlock().
    while (word_.exchange(waited_, std::memory_order::acquire) != free_)
        os_futex::wait(word_, waited_, os_futex::clock::time_point::max());
}

void short_lock::wake_one() noexcept { os_futex::wake_one(word_); }

}  // namespace pollux::inline v0::detail
