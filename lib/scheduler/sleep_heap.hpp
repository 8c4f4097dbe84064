// SPDX-License-Identifier: MIT
// The sleeps of one worker, the earliest on top. Each worker has its own with its own lock, so no lock is shared by all. A sleep
// is armed by any thread, fired by the worker whose heap it is or who stands in for that, and taken out where its future is dropped.
//
// The entry stands in the future, which does not move after its first poll. Everything in it is guarded by the heap's lock;
// wakers are cloned, called and dropped outside. Heaps are shared with their sleeps, which may outlive the runtime.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

class sleep_heap;

enum class sleep_state : std::uint8_t { idle, armed, fired, cancelled };

// Guarded by the lock of its heap from arm() on.
struct sleep_entry {
    std::chrono::steady_clock::time_point deadline;
    waker to_wake;
    std::size_t place = 0;  // in the heap, while it is armed
    sleep_state state = sleep_state::idle;
};

class sleep_heap {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// `entry` has a deadline. True: it is the earliest now. Throws: std::bad_alloc, task_cancelled if the heap is closed.
    bool arm(sleep_entry& entry, const waker& to_wake);
    /// A poll of an armed entry: what it has come to; while it is armed, `to_wake` is whom to wake.
    sleep_state poll(sleep_entry& entry, const waker& to_wake);
    /// Takes it out, if it is still armed: true. Afterwards nobody touches the entry, and its waker is the caller's.
    bool disarm(sleep_entry& entry) noexcept;

    /// Fires what is due. Returns the next deadline, or time_point::max(). Called by those who serve the heap.
    time_point fire(time_point now) noexcept;
    /// The next deadline. Called by those who serve the heap.
    time_point earliest() noexcept;
    /// The runtime ends: what is armed is woken, and its poll answers `cancelled`.
    void close() noexcept;

    std::size_t size() const noexcept;

private:
    void put(std::size_t place, sleep_entry* entry) noexcept;
    void sift_up(std::size_t place) noexcept;
    void sift_down(std::size_t place) noexcept;
    void take_out(std::size_t place) noexcept;

    mutable std::mutex lock_;
    std::vector<sleep_entry*> entries_;
    bool is_closed_ = false;
};

}  // namespace pollux::inline v0::detail
