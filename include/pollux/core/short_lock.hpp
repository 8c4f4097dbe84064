// SPDX-License-Identifier: MIT
// A lock for a handful of instructions, on the way of every spawned task and under the lists of those who wait in sync/: two
// read-modify-writes without a waiter, where a std::mutex takes 110 instructions, and four bytes. Who finds it taken looks
// again for a moment, unless its heuristics say no, and then sleeps on a futex.
//
//   free_    nobody has it      held_    somebody has it      waited_    somebody has it, and others may sleep
// Claim: a sleeper is woken. Proof: it has set waited_ before it sleeps; the unlock that ends that wakes one, which sets
// waited_ again as it takes the lock, for it cannot know whether there are more.
// What is guarded may end with the lock as soon as the next holder has it: unlock() uses its address at most after its exchange, to wake
// whoever sleeps there.
#pragma once

#include <atomic>
#include <cstdint>

#include "pollux/core/export.hpp"

namespace pollux::inline v0::detail {

/// Threads: any. Meets the requirements of std::lock_guard. No user code runs under it.
class short_lock {
public:
    constexpr short_lock() noexcept = default;
    short_lock(const short_lock&) = delete;
    short_lock& operator=(const short_lock&) = delete;

    void lock() noexcept {
        if (!try_lock()) [[unlikely]]
            wait();
    }
    /// False: somebody has it.
    [[nodiscard]] bool try_lock() noexcept {
        std::uint32_t seen = free_;
        // Acquire: pairs with the release in unlock() and try_unlock(). Relaxed on failure: nothing is read then.
        return word_.compare_exchange_strong(seen, held_, std::memory_order::acquire, std::memory_order::relaxed);
    }
    /// False: somebody may sleep until unlock(), and it is still held.
    [[nodiscard]] bool try_unlock() noexcept {
        std::uint32_t seen = held_;
        // Release: as unlock(). Relaxed on failure: nothing is handed on, and waited_ stays for unlock().
        return word_.compare_exchange_strong(seen, free_, std::memory_order::release, std::memory_order::relaxed);
    }
    void unlock() noexcept {
        // Release: what was done under the lock; pairs with the acquires in try_lock() and wait().
        if (word_.exchange(free_, std::memory_order::release) == waited_) [[unlikely]]
            wake_one();
    }

private:
    [[gnu::cold]] POLLUX_API void wait() noexcept;
    [[gnu::cold]] POLLUX_API void wake_one() noexcept;

    static constexpr std::uint32_t free_ = 0, held_ = 1, waited_ = 2;

    std::atomic<std::uint32_t> word_{free_};
};

/// Holds a lock for a scope. As std::lock_guard, whose header costs more than all that uses this.
template <class Lock>
class lock_scope {
public:
    explicit lock_scope(Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
    lock_scope(const lock_scope&) = delete;
    lock_scope& operator=(const lock_scope&) = delete;
    ~lock_scope() { lock_.unlock(); }

private:
    Lock& lock_;
};

}  // namespace pollux::inline v0::detail
