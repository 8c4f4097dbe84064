// SPDX-License-Identifier: MIT
// The seat of whoever drives a current_thread_runtime: one thread at a time. Others wait for it in take(), or stand in line as a
// candidate, which has something to do meanwhile and is woken when the seat may be free. Who ends the runtime cannot wait until the driver's
// work is done: ask_for() lets the driver give the seat up between two polls, as does whoever comes to it in take() before the one that asks.
//
// Claim: a candidate that has found the seat taken is woken after it was given back. Proof: it stands in line before it tries; who gives the
// seat back looks into the line after that. A candidate that leaves the line may have been woken for the seat without taking it, so
// it wakes the next one, who may find it taken and tries again.
#pragma once

#include <atomic>
#include <mutex>
#include <utility>

#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

class driver_seat {
public:
    /// The seat, or nothing.
    class taken {
    public:
        taken(driver_seat& seat, std::unique_lock<std::mutex> lock) noexcept : seat_(&seat), lock_(std::move(lock)) {}
        taken(taken&& other) noexcept = default;
        taken& operator=(taken&&) = delete;
        ~taken() {
            if (!lock_.owns_lock()) return;
            lock_.unlock();
            seat_->wake_next();
        }
        explicit operator bool() const noexcept { return lock_.owns_lock(); }

    private:
        driver_seat* seat_;
        std::unique_lock<std::mutex> lock_;
    };

    /// Stands in line while it lives.
    class candidate {
    public:
        candidate(driver_seat& seat, const waker& to_wake) noexcept : seat_(seat), to_wake_(to_wake) {
            const std::scoped_lock guard(seat_.line_lock_);
            candidate** last = &seat_.line_;
            while (*last != nullptr) last = &(*last)->next_;
            *last = this;
        }
        candidate(const candidate&) = delete;
        candidate& operator=(const candidate&) = delete;
        ~candidate() {
            {
                const std::scoped_lock guard(seat_.line_lock_);
                candidate** at = &seat_.line_;
                while (*at != this) at = &(*at)->next_;
                *at = next_;
            }
            seat_.wake_next();
        }

    private:
        friend class driver_seat;

        driver_seat& seat_;
        const waker to_wake_;
        candidate* next_ = nullptr;  // under the line's lock
    };

    taken take() { return taken(*this, std::unique_lock(lock_)); }
    taken try_take() {
        if (is_asked_for()) return taken(*this, {});
        return taken(*this, std::unique_lock(lock_, std::try_to_lock));
    }
    /// `tell_driver()` wakes it, behind the mark that it looks for.
    template <class Tell>
    taken ask_for(Tell tell_driver) {
        asking_.fetch_add(1, std::memory_order::relaxed);  // what tell_driver() leaves publishes it
        tell_driver();
        taken mine = take();
        asking_.fetch_sub(
            1, std::memory_order::relaxed);  // a candidate that saw the old one is woken when the seat is free
        return mine;
    }
    bool is_asked_for() const noexcept { return asking_.load(std::memory_order::relaxed) != 0; }  // see ask_for()

private:
    void wake_next() noexcept {
        waker first;
        {
            const std::scoped_lock guard(line_lock_);
            if (line_ != nullptr) first = line_->to_wake_;
        }
        first.wake();
    }

    std::mutex lock_;
    std::atomic<unsigned> asking_{0};
    std::mutex line_lock_;
    candidate* line_ = nullptr;  // few: each is a thread
};

}  // namespace pollux::inline v0::detail
