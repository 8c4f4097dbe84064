// SPDX-License-Identifier: MIT
// The seat of whoever drives a current_thread_runtime: one thread at a time. Others wait for it in take(), or stand in line as a
// candidate, which has something to do meanwhile and is woken when the seat may be free. Who ends the runtime cannot wait until the driver's
// work is done: ask_for() lets the driver give the seat up between two polls, as does whoever comes to it in take() before the one that asks.
// A job of the runtime may be what the driver waits for, so it must not wait for one that waits: take_in_job() says so.
//
// Claim: a candidate that has found the seat taken is woken after it was given back. Proof: it stands in line before it tries; who gives the
// seat back looks into the line after that. A candidate that leaves the line may have been woken for the seat without taking it, so
// it wakes the next one, who may find it taken and tries again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>

#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

/// How long somebody has the seat: for what is ready, or while it waits, perhaps for a job of the runtime.
enum class seat_stay : std::uint8_t { turn, wait };

class driver_seat {
public:
    /// The seat, or nothing.
    class taken {
    public:
        explicit taken(driver_seat* seat) noexcept : seat_(seat) {}
        taken(taken&& other) noexcept : seat_(std::exchange(other.seat_, nullptr)) {}
        taken& operator=(taken&&) = delete;
        ~taken() {
            if (seat_ == nullptr) return;
            seat_->give_back();
            seat_->wake_next();
        }
        explicit operator bool() const noexcept { return seat_ != nullptr; }

    private:
        driver_seat* seat_;
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

    taken take(seat_stay how) {
        std::unique_lock guard(lock_);
        given_back_.wait(guard, [this] { return !is_taken_; });
        return sit_down(how);
    }
    /// Nothing: who has it may wait for the caller.
    taken take_in_job(seat_stay how) {
        std::unique_lock guard(lock_);
        given_back_.wait(guard, [this] { return !is_taken_ || stay_ == seat_stay::wait; });
        return is_taken_ ? taken(nullptr) : sit_down(how);
    }
    taken try_take(seat_stay how) {
        if (is_asked_for()) return taken(nullptr);
        const std::scoped_lock guard(lock_);
        return is_taken_ ? taken(nullptr) : sit_down(how);
    }
    /// For who waits for all that is left. `tell_driver()` wakes the driver, behind the mark that it looks for.
    template <class Tell>
    taken ask_for(Tell tell_driver) {
        asking_.fetch_add(1, std::memory_order::relaxed);  // what tell_driver() leaves publishes it
        tell_driver();
        taken mine = take(seat_stay::wait);
        asking_.fetch_sub(
            1, std::memory_order::relaxed);  // a candidate that saw the old one is woken when the seat is free
        return mine;
    }
    bool is_asked_for() const noexcept { return asking_.load(std::memory_order::relaxed) != 0; }  // see ask_for()

private:
    // With the lock held.
    taken sit_down(seat_stay how) noexcept {
        is_taken_ = true;
        stay_ = how;
        return taken(this);
    }
    void give_back() noexcept {
        const std::scoped_lock guard(lock_);
        is_taken_ = false;
        given_back_.notify_all();  // all: those in a job may leave it to others
    }
    void wake_next() noexcept {
        waker first;
        {
            const std::scoped_lock guard(line_lock_);
            if (line_ != nullptr) first = line_->to_wake_;
        }
        first.wake();
    }

    std::mutex lock_;
    std::condition_variable given_back_;
    bool is_taken_ = false;             // under the lock
    seat_stay stay_ = seat_stay::turn;  // under the lock
    std::atomic<unsigned> asking_{0};
    std::mutex line_lock_;
    candidate* line_ = nullptr;  // few: each is a thread
};

}  // namespace pollux::inline v0::detail
