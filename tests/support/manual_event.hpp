// SPDX-License-Identifier: MIT
// An event for tests with threads: a future waits for it, and any thread sets it. It says how often it was polled and keeps the
// waker of the latest poll, as a leaf of the library does.
//
// Threads: all members from any; the future is polled by one at a time.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::test {

class manual_event {
    struct state {
        std::mutex lock;
        bool is_set = false;
        waker latest;
        int polls = 0;
        int futures = 0;
    };

public:
    class [[nodiscard]] wait_future {
    public:
        using value_type = void;
        using error_type = never;

        explicit wait_future(std::shared_ptr<state> shared) : state_(std::move(shared)) {
            const std::lock_guard guard(state_->lock);
            ++state_->futures;
        }
        wait_future(wait_future&&) noexcept = default;
        wait_future& operator=(wait_future&&) = delete;
        ~wait_future() {
            if (state_ == nullptr) return;
            waker dropped;  // after the lock
            const std::lock_guard guard(state_->lock);
            --state_->futures;
            dropped = std::move(state_->latest);
        }

        polled<> poll(context& cx) {
            waker replaced = cx.waker();
            const std::lock_guard guard(state_->lock);
            ++state_->polls;
            if (state_->is_set) return polled<>::ready();
            std::swap(state_->latest, replaced);
            return pending;
        }

    private:
        std::shared_ptr<state> state_;
    };

    /// For one waiter at a time.
    wait_future wait() { return wait_future(state_); }

    void set() {
        waker woken;
        {
            const std::lock_guard guard(state_->lock);
            state_->is_set = true;
            woken = std::move(state_->latest);
        }
        woken.wake();
    }
    /// Without setting it: a spurious poll follows.
    void wake() { kept_waker().wake(); }
    waker kept_waker() const {
        const std::lock_guard guard(state_->lock);
        return state_->latest;
    }
    int polls() const {
        const std::lock_guard guard(state_->lock);
        return state_->polls;
    }
    /// Futures of this event that live.
    int waiting() const {
        const std::lock_guard guard(state_->lock);
        return state_->futures;
    }

private:
    std::shared_ptr<state> state_ = std::make_shared<state>();
};

}  // namespace pollux::test
