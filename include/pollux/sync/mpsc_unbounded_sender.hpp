// SPDX-License-Identifier: MIT
// The sending end of an unbounded mpsc channel, and the futures of one send and of one slot.
#pragma once

#include <expected>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/sync/disconnected.hpp"
#include "pollux/sync/mpsc_channel.hpp"
#include "pollux/sync/mpsc_closed.hpp"
#include "pollux/sync/mpsc_sender.hpp"
#include "pollux/sync/send_status.hpp"

namespace pollux::inline v0::detail {

template <class T>
class [[nodiscard]] mpsc_unbounded_send_future {
public:
    using value_type = void;
    using error_type = sync::disconnected;

    // The value first, for its move may throw.
    mpsc_unbounded_send_future(const mpsc_sender_stock<T>& channel, T&& value)
        : value_(std::move(value)), channel_(channel.count()) {}

    polled<void, sync::disconnected> poll(context& cx) noexcept {
        debug_check(!is_over_, "pollux: mpsc: a send was polled after it was ready; poll a future to its end once");
        if (!cx.consume_budget()) return pending;
        is_over_ = true;
        auto* const channel = channel_.release();  // a future that is done is no sender
        if (channel != nullptr && mpsc_channel<T>::put_last(channel, std::move(value_)))
            return polled<void, sync::disconnected>::ready();
        return std::unexpected(sync::disconnected());
    }

private:
    T value_;
    mpsc_sender_ref<T> channel_;
    bool is_over_ = false;
};

template <class T>
class [[nodiscard]] mpsc_unbounded_reserve_future {
public:
    using value_type = sync::mpsc::slot<T>;
    using error_type = sync::disconnected;

    explicit mpsc_unbounded_reserve_future(const mpsc_sender_stock<T>& channel) noexcept : channel_(channel.count()) {}

    polled<value_type, error_type> poll(context& cx) noexcept {
        debug_check(!is_over_, "pollux: mpsc: reserve() was polled after it was ready; poll a future to its end once");
        if (!cx.consume_budget()) return pending;
        is_over_ = true;
        auto channel = std::move(channel_);  // a future that is done is no sender
        if (channel.is_closed()) return std::unexpected(error_type());
        return value_type(std::move(channel));
    }

private:
    mpsc_sender_ref<T> channel_;
    bool is_over_ = false;
};

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::sync::mpsc {

template <class T>
class unbounded_sender;
template <class T>
class receiver;
template <class T>
std::pair<unbounded_sender<T>, receiver<T>> unbounded();

/// The sending end of an unbounded channel; a sink that never waits. Each copy is a sender of its own; the receiver's stream ends when
/// all are gone.
///
/// Threads: any; what is const by any number at once, the rest by one.
/// Cost: a copy is one read-modify-write, a send three, one of them of this sender's own. Ends the process if there is no memory
/// for a block of items.
template <class T>
class unbounded_sender {
public:
    using item_type = T;
    using error_type = disconnected;

    /// A future that sends in its first poll. It counts as a sender. Where nothing is awaited, try_send() does the same at once.
    ///
    /// Errors: `disconnected` if the receiver is gone or has closed the channel; the value is lost: try_send() keeps it.
    /// Cancel: dropping it before its first poll destroys the value unsent.
    detail::mpsc_unbounded_send_future<T> send(T value) const {
        return detail::mpsc_unbounded_send_future<T>(channel_, std::move(value));
    }

    /// Sends now. `value` is moved from only if the answer is `sent`; it is never `full`.
    send_status try_send(T& value) const noexcept {
        return channel_ && channel_.put(std::move(value)) ? send_status::sent : send_status::disconnected;
    }

    /// A future of a `slot`, ready at its first poll, as that of a bounded channel is once there is a place: for code that takes
    /// either. Nothing is kept: what goes into a slot after the receiver's close() is destroyed.
    ///
    /// Errors: `disconnected` if the receiver is gone or has closed the channel.
    detail::mpsc_unbounded_reserve_future<T> reserve() const noexcept {
        return detail::mpsc_unbounded_reserve_future<T>(channel_);
    }

    /// A future that is ready once is_closed(): to give up work whose result nobody receives. It is no sender.
    ///
    /// Cancel: dropping it loses nothing.
    /// Cost: no allocation; it waits under a short lock.
    detail::mpsc_closed_future<T> closed() const noexcept {
        return detail::mpsc_closed_future<T>(channel_ ? channel_.operator->() : nullptr);
    }

    /// Whether a send is sure to fail: the receiver is gone or has closed the channel, or this end was closed with poll_close().
    bool is_closed() const noexcept { return channel_.is_closed(); }

    // --- as a sink ---

    polled<void, disconnected> poll_ready(context& cx) noexcept {
        if (!cx.consume_budget()) return pending;
        if (is_closed()) return std::unexpected(disconnected());
        return polled<void, disconnected>::ready();
    }
    std::expected<void, disconnected> start_send(T value) noexcept {
        if (try_send(value) == send_status::sent) return {};
        return std::unexpected(disconnected());
    }
    /// Ready at once: what was sent is in the channel.
    polled<void, disconnected> poll_flush(context&) noexcept { return polled<void, disconnected>::ready(); }
    /// This end is a sender no longer; copies are. Ready at once.
    polled<void, disconnected> poll_close(context&) noexcept {
        channel_.reset();
        return polled<void, disconnected>::ready();
    }

private:
    friend std::pair<unbounded_sender, receiver<T>> unbounded<T>();

    explicit unbounded_sender(detail::mpsc_channel<T>* channel) noexcept : channel_(channel) {}

    detail::mpsc_sender_stock<T> channel_;
};

}  // namespace pollux::inline v0::sync::mpsc
