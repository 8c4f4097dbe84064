// SPDX-License-Identifier: MIT
// How a future says "poll me again". A leaf future keeps a clone of the waker it was last polled with and calls wake() when
// it can go on. Made by whoever polls: the scheduler, block_on, a combinator with many children, a hand-made executor.
//
// A waker is a pointer and a static table. The tables stand in the library, never in a header, so that a waker that a plugin
// gave out can be called after the plugin has been unloaded.
#pragma once

#include <memory>
#include <utility>

#include "pollux/core/export.hpp"

namespace pollux::inline v0 {

namespace detail {

struct waker_table {
    void (*clone)(void*) noexcept;  // counts one more owner
    void (*wake)(void*) noexcept;
    void (*wake_and_drop)(void*) noexcept;          // both at once, for less
    void (*drop)(void*) noexcept;                   // counts one owner less
    const void* (*identity)(const void*) noexcept;  // what is woken: equal for all wakers of one task or wakeable
};

}  // namespace detail

/// Something that a waker can wake; for executors and tests that are made by hand.
///
/// Throws: wake() and the destructor must not.
/// Threads: wake() may be called from any, at any time, several times at once, also from inside the poll that it asks for.
struct POLLUX_API wakeable {
    virtual void wake() noexcept = 0;
    virtual ~wakeable();
};

/// Two words that wake one task. Copies wake the same task. It may be kept for ever: once its task has ended, or the runtime
/// is gone, wake() does nothing.
///
/// Threads: wake() and copying from any, also at the same time on one object; assignment needs exclusive access.
/// Cost: a copy is one relaxed read-modify-write, wake() one read-modify-write and at most one system call. No allocation.
class waker {
public:
    /// Wakes nobody.
    waker() noexcept = default;
    waker(const waker& other) noexcept : data_(other.data_), table_(other.table_) {
        if (table_ != nullptr) table_->clone(data_);
    }
    waker(waker&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), table_(std::exchange(other.table_, nullptr)) {}
    waker& operator=(waker other) noexcept {
        std::swap(data_, other.data_);
        std::swap(table_, other.table_);
        return *this;
    }
    ~waker() {
        if (table_ != nullptr) table_->drop(data_);
    }

    /// Asks for one more poll. Wake-ups before that poll count as one. What was written before wake() is visible to the poll.
    void wake() const& noexcept {
        if (table_ != nullptr) table_->wake(data_);
    }
    /// The same, and gives up this waker: what woke it counts one read-modify-write less.
    void wake() && noexcept {
        if (table_ != nullptr) std::exchange(table_, nullptr)->wake_and_drop(data_);
    }
    /// True if waking this one and waking `other` are the same. A leaf that is polled again need not clone then.
    bool will_wake(const waker& other) const noexcept {
        if (table_ != other.table_) return false;
        return table_ == nullptr || data_ == other.data_ || table_->identity(data_) == table_->identity(other.data_);
    }
    /// False for a default-constructed or moved-from waker.
    explicit operator bool() const noexcept { return table_ != nullptr; }

    /// For the library: as will_wake(), but false for two that were not cloned from one. Calls nothing.
    bool is_clone_of(const waker& other) const noexcept { return data_ == other.data_ && table_ == other.table_; }
    /// For the library: that of a task, if the table says so.
    void* data() const noexcept { return data_; }
    const detail::waker_table* table() const noexcept { return table_; }
    /// For the library: takes over one count of `data`.
    waker(void* data, const detail::waker_table* table) noexcept : data_(data), table_(table) {}
    /// For the library: gives up without dropping; undoes a construction that did not count.
    void forget() noexcept { table_ = nullptr; }
    /// For the library: of one that does not count, what it wakes from now on. The table stays.
    void point_at(void* data) noexcept { data_ = data; }

private:
    void* data_ = nullptr;
    const detail::waker_table* table_ = nullptr;
};

/// A waker that calls `target->wake()`; without a target one that wakes nobody, `waker()`. Cost: one allocation here; copies only count.
POLLUX_API waker make_waker(std::shared_ptr<wakeable> target);

/// A waker that wakes nobody; for a poll whose wake-up nobody waits for. The reference is valid for ever.
POLLUX_API const waker& noop_waker() noexcept;

}  // namespace pollux::inline v0
