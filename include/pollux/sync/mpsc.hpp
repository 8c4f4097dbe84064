// SPDX-License-Identifier: MIT
// Channels from many senders to one receiver: the receiving end, and what makes both ends. What they share stands in
// sync/mpsc_channel.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/future/detail/target.hpp"
#include "pollux/future/detail/until_over.hpp"
#include "pollux/stream/next.hpp"  // the loop over a receiver: while (auto item = co_await next(rx))
#include "pollux/sync/mpsc_channel.hpp"
#include "pollux/sync/mpsc_sender.hpp"
#include "pollux/sync/mpsc_unbounded_sender.hpp"

namespace pollux::inline v0::detail {

template <class T>
class [[nodiscard]] mpsc_recv_future {
public:
    using value_type = std::optional<T>;
    using error_type = never;

    explicit mpsc_recv_future(sync::mpsc::receiver<T>& from) noexcept : from_(from) {}

    [[gnu::always_inline]] polled<value_type> poll(context& cx) noexcept {
        debug_check(!from_.is_over(),
                    "pollux: mpsc: recv() was polled after it was ready; the next item is that of another recv()");
        return until_over([&] [[gnu::always_inline]] { return from_->poll_next(cx); }, [&] { from_.end(); });
    }

private:
    target<sync::mpsc::receiver<T>&> from_;
};

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::sync::mpsc {

using sync::disconnected;
using sync::send_status;

/// The receiving end: a stream of what the senders send, each one's items in their order. It ends when all senders
/// are gone and it is drained.
///
/// Threads: any; each object is used by one at a time, at the same time as the senders. It may be moved at any time.
/// Cancel: dropping it destroys what has come and lets the senders fail.
/// Cost: an item takes one read-modify-write from a bounded channel, none from an unbounded one; a poll that waits
/// takes four more.
template <class T>
class [[nodiscard]] receiver {
public:
    using value_type = T;
    using error_type = never;

    receiver(receiver&& other) noexcept : channel_(std::exchange(other.channel_, nullptr)) {}
    receiver& operator=(receiver other) noexcept {
        std::swap(channel_, other.channel_);
        return *this;
    }
    ~receiver() {
        if (channel_ != nullptr) detail::mpsc_channel<T>::drop_receiver(channel_);
    }

    /// An end that was moved from is at its end.
    [[gnu::always_inline]] polled<std::optional<T>> poll_next(context& cx) noexcept {
        auto* const channel = channel_;
        if (channel != nullptr && channel->has_front()) [[likely]]
            return give(*channel, cx);
        return look(cx);
    }

    /// As next(*this), for less: a future of the next item, or nothing at the end. This end must outlive it.
    ///
    /// Cancel: dropping it while it is pending loses nothing.
    /// Cost: one unit of the poll's budget, where next() takes another.
    auto recv() noexcept { return detail::mpsc_recv_future<T>(*this); }

    /// An item, if one has come; never waits. One that was sent behind another that is still being put in comes after
    /// that: no item yet.
    std::optional<T> try_recv() noexcept {
        if (channel_ == nullptr || !channel_->look()) return std::nullopt;
        std::optional<T> taken(std::in_place, std::move(channel_->front()));
        channel_->pop();
        return taken;
    }

    /// Lets every later send fail, and those that wait. What was sent by now, and what goes into reserved places, can
    /// still be received.
    void close() noexcept {
        if (channel_ != nullptr) channel_->close();
    }

private:
    friend std::pair<sender<T>, receiver> channel<T>(std::size_t);
    friend std::pair<unbounded_sender<T>, receiver> unbounded<T>();

    explicit receiver(detail::mpsc_channel<T>* channel) noexcept : channel_(channel) {}

    [[gnu::always_inline]] static polled<std::optional<T>> give(detail::mpsc_channel<T>& from, context& cx) noexcept {
        if (!cx.consume_budget()) [[unlikely]]
            return pending;
        auto taken = polled<std::optional<T>>::ready(std::in_place, std::move(from.front()));
        from.pop();
        return taken;
    }

    // Apart, so that the way of an item that is known to be there is few instructions, in place.
    [[gnu::noinline]] polled<std::optional<T>> look(context& cx) noexcept {
        if (channel_ != nullptr) {
            if (channel_->look()) return give(*channel_, cx);
            if (channel_->wait(cx.waker())) return pending;
            if (channel_->look()) return give(*channel_, cx);
        }
        if (!cx.consume_budget()) return pending;
        return polled<std::optional<T>>::ready();
    }

    detail::mpsc_channel<T>* channel_;  // null: moved from
};

/// A channel that holds up to `capacity` items, those on their way and places reserved counted; senders wait for a place.
///
/// `auto [tx, rx] = sync::mpsc::channel<int>(16);`
/// Items are moved in and out; a move that throws while sending or receiving ends the process.
/// Throws: std::invalid_argument if `capacity` is 0 or more than a semaphore has permits; std::bad_alloc.
/// Cost: one allocation of about 240 bytes, whatever the capacity; then one for each block of 4 to 32 items. An empty
/// channel that was used keeps up to three blocks of about 512 bytes or 4 items.
/// Source: a linked list of blocks that senders fill at positions which they claim, as in Tokio's and crossbeam's
/// channels.
template <class T>
std::pair<sender<T>, receiver<T>> channel(std::size_t capacity) {
    static_assert(std::is_object_v<T> && std::is_move_constructible_v<T>,
                  "pollux: mpsc::channel: the item is not a movable object; use unit where there is nothing to send");
    if (capacity == 0)
        throw std::invalid_argument(
            "pollux: mpsc::channel(0): a channel without a place passes nothing; give it at least 1");
    if (capacity > detail::mpsc_places::most_permits())
        throw std::invalid_argument(
            "pollux: mpsc::channel: more places than a semaphore has permits; use mpsc::unbounded");
    auto* const shared = new detail::mpsc_channel<T>(capacity);
    return {sender<T>(shared), receiver<T>(shared)};
}

/// A channel that holds any number of items; senders never wait. What is sent faster than it is received takes memory
/// without end.
///
/// Items are moved as in channel().
/// Throws: std::bad_alloc.
/// Cost: as channel().
template <class T>
std::pair<unbounded_sender<T>, receiver<T>> unbounded() {
    static_assert(std::is_object_v<T> && std::is_move_constructible_v<T>,
                  "pollux: mpsc::unbounded: the item is not a movable object; use unit where there is nothing to send");
    auto* const shared = new detail::mpsc_channel<T>(0);
    return {unbounded_sender<T>(shared), receiver<T>(shared)};
}

}  // namespace pollux::inline v0::sync::mpsc
