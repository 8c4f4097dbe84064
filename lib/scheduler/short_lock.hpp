// SPDX-License-Identifier: MIT
// A lock for a handful of instructions, on the way of every spawned task: two read-modify-writes without a waiter, where a
// std::mutex takes 110 instructions. Who finds it taken sleeps on a futex.
//
//   free_    nobody has it      held_    somebody has it      waited_    somebody has it, and others may sleep
// Claim: a sleeper is woken. Proof: it has set waited_ before it sleeps; the unlock that ends that wakes one, which sets
// waited_ again as it takes the lock, for it cannot know whether there are more.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/futex.hpp"

namespace pollux::inline v0::detail {

/// Threads: any. Meets the requirements of std::lock_guard. No user code runs under it.
class short_lock {
public:
    constexpr short_lock() noexcept = default;
    short_lock(const short_lock&) = delete;
    short_lock& operator=(const short_lock&) = delete;

    void lock() noexcept {
        std::uint32_t seen = free_;
        // Acquire: pairs with the release in unlock(). Failure says nothing.
        if (!word_.compare_exchange_strong(seen, held_, std::memory_order::acquire, std::memory_order::relaxed))
            [[unlikely]]
            wait();
    }
    void unlock() noexcept {
        // Release: what was done under the lock; pairs with the acquires in lock() and wait().
        if (word_.exchange(free_, std::memory_order::release) == waited_) [[unlikely]]
            os_futex::wake_one(word_);
    }

private:
    [[gnu::noinline, gnu::cold]] void wait() noexcept {
        while (word_.exchange(waited_, std::memory_order::acquire) != free_)  // pairs with the release in unlock()
            os_futex::wait(word_, waited_, os_futex::clock::time_point::max());
    }

    static constexpr std::uint32_t free_ = 0, held_ = 1, waited_ = 2;

    std::atomic<std::uint32_t> word_{free_};
};

}  // namespace pollux::inline v0::detail
