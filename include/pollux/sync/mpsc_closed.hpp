// SPDX-License-Identifier: MIT
// The future of an mpsc sender that waits until nobody will receive any more.
#pragma once

#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/sync/closed_signal.hpp"
#include "pollux/sync/mpsc_channel.hpp"

namespace pollux::inline v0::detail {

template <class T>
class [[nodiscard]] mpsc_closed_future {
public:
    using value_type = void;
    using error_type = never;

    /// Null: ready at once. Keeps the channel's memory, and is no sender.
    explicit mpsc_closed_future(mpsc_channel<T>* channel) noexcept : channel_(channel) {
        if (channel_ != nullptr) channel_->add_owner();
    }
    mpsc_closed_future(mpsc_closed_future&& other) noexcept
        : channel_(std::exchange(other.channel_, nullptr)), has_waited_(other.has_waited_), is_over_(other.is_over_) {
        if (other.has_waited_) [[unlikely]]
            fail_check(moved_in_flight);
    }
    mpsc_closed_future& operator=(mpsc_closed_future&&) = delete;
    ~mpsc_closed_future() {
        if (channel_ == nullptr) return;
        if (has_waited_) channel_->closed().withdraw(waiter_);
        mpsc_channel<T>::drop_owner(channel_);
    }

    polled<> poll(context& cx) noexcept {
        debug_check(!is_over_, "pollux: mpsc: closed() was polled after it was ready; poll a future to its end once");
        if (channel_ != nullptr && !channel_->is_closed()) {
            has_waited_ = true;
            if (channel_->closed().wait(waiter_, cx.waker())) return pending;
        }
        if (!cx.consume_budget()) return pending;
        is_over_ = true;
        return polled<>::ready();
    }

private:
    mpsc_channel<T>* channel_;
    closed_signal::waiter waiter_;
    bool has_waited_ = false;
    bool is_over_ = false;
};

}  // namespace pollux::inline v0::detail
