// SPDX-License-Identifier: MIT
// A waker for tests of what stands below the scheduler: it counts how often it was woken, and how many wakers of it
// live.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "pollux/core/context.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::test {

class wake_counter {
public:
    wake_counter() : target_(std::make_shared<target>()) {}

    pollux::waker waker() const { return pollux::make_waker(target_); }
    int count() const { return target_->count.load(); }
    bool is_kept() const { return target_.use_count() > 1; }
    /// Runs inside wake(), after it was counted.
    void on_wake(std::function<void()> fn) { target_->on_wake = std::move(fn); }

private:
    struct target : pollux::wakeable {
        void wake() noexcept override {
            ++count;
            if (on_wake) on_wake();
        }
        std::atomic<int> count{0};
        std::function<void()> on_wake;
    };

    std::shared_ptr<target> target_;
};

/// Polls `fut` once with the waker of `counter`.
auto poll_with(auto& fut, const wake_counter& counter) {
    const auto waker = counter.waker();
    context cx(waker);
    return fut.poll(cx);
}

}  // namespace pollux::test
