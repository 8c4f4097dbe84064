// SPDX-License-Identifier: MIT
// The guards and futures of async_mutex and async_rw_lock: permits of a permit_queue, and a value beside it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/sync/permit_queue.hpp"
#include "pollux/sync/permit_wait.hpp"

namespace pollux::inline v0::detail {

// Locks derive from it, so that guards and futures need not know them.
template <class T>
class locked_value {
public:
    locked_value(const locked_value&) = delete;
    locked_value& operator=(const locked_value&) = delete;

protected:
    template <class... Args>
    explicit locked_value(std::size_t permits, Args&&... args)
        : permits_(permits), value_(std::forward<Args>(args)...) {}
    ~locked_value() = default;

    template <class Guard, class Ref>
    static std::optional<Guard> try_lock(Ref lock) noexcept;

private:
    template <class, class, std::size_t>
    friend class value_guard;
    template <class>
    friend class lock_future;

    std_permit_queue permits_;
    T value_;
};

/// The value of a lock, for as long as this lives. Move-only; one that was moved from holds nothing. `Ref` is a pointer to the
/// lock, or a std::shared_ptr that keeps it.
///
/// Threads: as any object, one at a time; it may be destroyed on any.
/// Cost: giving back is one read-modify-write if nobody waits, else a short lock and the wakers of those who can go on.
template <class T, class Ref, std::size_t Permits>
class [[nodiscard]] value_guard {
public:
    using value_type = T;

    value_guard(value_guard&& other) noexcept : lock_(std::exchange(other.lock_, nullptr)) {}
    /// Gives back what it held before.
    value_guard& operator=(value_guard other) noexcept {
        std::swap(lock_, other.lock_);
        return *this;
    }
    ~value_guard() {
        if (lock_ != nullptr) queue_of(lock_).give_back(Permits);
    }

    T& operator*() const noexcept { return value(); }
    T* operator->() const noexcept { return std::addressof(value()); }

private:
    template <class>
    friend class locked_value;
    template <class>
    friend class lock_future;
    using ref = Ref;
    static constexpr std::size_t permits() noexcept { return Permits; }
    static std_permit_queue& queue_of(const Ref& lock) noexcept { return lock->permits_; }

    explicit value_guard(Ref lock) noexcept : lock_(std::move(lock)) {}

    T& value() const noexcept {
        debug_check(lock_ != nullptr, "pollux: lock: a guard was used after it was moved from; use the one it went to");
        return lock_->value_;
    }

    Ref lock_;
};

template <class T>
template <class Guard, class Ref>
std::optional<Guard> locked_value<T>::try_lock(Ref lock) noexcept {
    if (Guard::queue_of(lock).try_take(Guard::permits()) != permit_answer::taken) return std::nullopt;
    return Guard(std::move(lock));
}

template <class Guard>
class [[nodiscard]] lock_future {
public:
    using value_type = Guard;
    using error_type = never;

    explicit lock_future(typename Guard::ref lock) noexcept
        : lock_(std::move(lock)), wait_(Guard::queue_of(lock_), Guard::permits()) {}

    polled<Guard> poll(context& cx) noexcept {
        if (wait_.poll(cx) == permit_answer::pending) return pending;  // it is never closed
        return Guard(std::move(lock_));
    }

private:
    typename Guard::ref lock_;  // above the wait, so destroyed after it
    permit_wait wait_;
};

}  // namespace pollux::inline v0::detail
