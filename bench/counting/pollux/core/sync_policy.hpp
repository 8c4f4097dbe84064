// SPDX-License-Identifier: MIT
// The `Sync` policy that counts, for bench/scaling: found before include/, it takes the place of the library's own in a copy of the
// library that is built for that program alone. What ships is the same sources.
//
// It counts the writes of its atomics and locks, and which of them are to a line that another thread has written last: those are what
// workers cost each other. Plain memory, and the few atomics that are no part of a protocol, are not counted.
#pragma once

#define std_sync uncounted_sync
#include_next "pollux/core/sync_policy.hpp"
#undef std_sync

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace pollux::inline v0::detail {

/// What one thread has done; only it writes, anybody may read.
struct sync_tally {
    std::atomic<std::uint64_t> writes{0}, shared_writes{0}, heavy_fences{0}, steal_attempts{0};
    std::uint32_t thread = 0;  // a number above zero

    static void add(std::atomic<std::uint64_t>& counter) noexcept {
        counter.store(counter.load(std::memory_order::relaxed) + 1, std::memory_order::relaxed);
    }
};

/// Of this thread. Kept when the thread ends.
sync_tally& this_tally() noexcept;
/// Who has written to a line last: lines share a place by chance, one in some thousands of those in use.
std::atomic<std::uint32_t>& last_writer_of(const void* address) noexcept;

inline void count_write(const void* address) noexcept {
    sync_tally& mine = this_tally();
    sync_tally::add(mine.writes);
    auto& last = last_writer_of(address);
    if (last.load(std::memory_order::relaxed) == mine.thread) return;
    last.store(mine.thread, std::memory_order::relaxed);
    sync_tally::add(mine.shared_writes);
}

template <class T>
class counted_atomic : public std::atomic<T> {
    using base = std::atomic<T>;
    using order = std::memory_order;

public:
    using base::base;

    void store(T value, order o) noexcept { count_write(this), base::store(value, o); }
    T exchange(T value, order o) noexcept { return count_write(this), base::exchange(value, o); }
    bool compare_exchange_weak(T& seen, T value, auto... orders) noexcept {
        return count_write(this), base::compare_exchange_weak(seen, value, orders...);
    }
    bool compare_exchange_strong(T& seen, T value, auto... orders) noexcept {
        return count_write(this), base::compare_exchange_strong(seen, value, orders...);
    }
    T fetch_add(T n, order o) noexcept { return count_write(this), base::fetch_add(n, o); }
    T fetch_sub(T n, order o) noexcept { return count_write(this), base::fetch_sub(n, o); }
    T fetch_and(T bits, order o) noexcept { return count_write(this), base::fetch_and(bits, o); }
    T fetch_or(T bits, order o) noexcept { return count_write(this), base::fetch_or(bits, o); }
};

struct std_sync : uncounted_sync {
    template <class T>
    using atomic = counted_atomic<T>;

    class short_lock : public detail::short_lock {
    public:
        void lock() noexcept { count_write(this), detail::short_lock::lock(); }
        void unlock() noexcept { count_write(this), detail::short_lock::unlock(); }
    };

    static void heavy_fence() noexcept {
        sync_tally::add(this_tally().heavy_fences);
        uncounted_sync::heavy_fence();
    }

    /// The places where a thief has found something and is about to claim it.
    static void yield_point(const char* where) noexcept;
};

}  // namespace pollux::inline v0::detail
