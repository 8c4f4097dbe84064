// SPDX-License-Identifier: MIT
// A channel whose every receiver gets every value that is sent while it is there; the latest n are kept for who is slow. What the
// ends share stands in sync/broadcast_channel.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/sync/broadcast_channel.hpp"

namespace pollux::inline v0::sync {

/// The error of a broadcast receiver that was too slow: so many values were given up before it took them. It goes on with the oldest that
/// is kept.
struct lagged {
    std::uint64_t missed = 0;
    friend bool operator==(lagged, lagged) noexcept = default;
};

}  // namespace pollux::inline v0::sync

namespace pollux::inline v0::sync::broadcast {

using sync::lagged;

template <class T>
class sender;
template <class T>
class receiver;
template <class T>
std::pair<sender<T>, receiver<T>> channel(std::size_t n);

/// The receiving end: a stream of what is sent from its making on. It ends when all senders are gone and it has taken what is kept.
///
/// Errors: `lagged`, once each time it was overtaken; the stream goes on with the oldest value that is kept.
/// Threads: any; each object is used by one at a time. It may be moved at any time.
/// Cancel: dropping it loses what it has not taken; other receivers lose nothing.
/// Cost: an item is a copy of the value, which the last receiver to take it moves instead if nobody is copying at that moment; and a short
/// lock, not held while it is copied. Dropping one takes the lock for as many steps as there are values that it has not taken.
template <class T>
class [[nodiscard]] receiver {
public:
    using value_type = T;
    using error_type = lagged;

    receiver(receiver&& other) noexcept
        : channel_(std::exchange(other.channel_, nullptr)), reader_(std::move(other.reader_)) {}
    receiver& operator=(receiver other) noexcept {
        std::swap(channel_, other.channel_);
        std::swap(reader_, other.reader_);
        return *this;
    }
    ~receiver() {
        if (channel_ != nullptr) detail::broadcast_channel::drop_receiver(channel_, *reader_);
    }

    /// Throws: what copying the value throws; this receiver has lost it then, and goes on with the next. One that was moved from is at
    /// its end.
    polled<std::optional<T>, lagged> poll_next(context& cx) {
        using answer = polled<std::optional<T>, lagged>;
        // Asked first, for what is taken cannot be put back.
        if (!cx.consume_budget()) return pending;
        if (channel_ == nullptr) return answer::ready();
        const auto taken = channel_->take_or_wait(*reader_, cx.waker());
        switch (taken.view) {
            case detail::broadcast_view::empty: return pending;
            case detail::broadcast_view::end: return answer::ready();
            case detail::broadcast_view::lagged: return answer::failed(taken.missed);
            case detail::broadcast_view::value: break;
        }
        return answer::ready(std::in_place, use(taken.node).take(taken.may_move));
    }

    /// next(*this): a future of the next item, an `std::expected<T, lagged>`, or nothing at the end.
    ///
    /// Cancel: dropping it while it is pending loses nothing.
    auto recv() noexcept { return pollux::next(*this); }

private:
    friend sender<T>;
    friend std::pair<sender<T>, receiver> channel<T>(std::size_t);
    using use = detail::value_use<detail::broadcast_node, T>;

    explicit receiver(detail::broadcast_channel* shared)
        : channel_(shared), reader_(std::make_unique<detail::broadcast_reader>()) {
        channel_->add_receiver(*reader_);
    }

    detail::broadcast_channel* channel_;  // null: moved from
    std::unique_ptr<detail::broadcast_reader> reader_;
};

/// The sending end; a sink that never waits and cannot fail. Copies are senders, too.
///
/// Threads: any; each object is used by one at a time.
/// Cost: a copy is two read-modify-writes.
template <class T>
class sender {
public:
    using item_type = T;
    using error_type = never;

    sender(const sender& other) noexcept : channel_(other.channel_) {
        if (channel_ != nullptr) channel_->add_sender();
    }
    sender(sender&& other) noexcept : channel_(std::exchange(other.channel_, nullptr)) {}
    sender& operator=(sender other) noexcept {
        std::swap(channel_, other.channel_);
        return *this;
    }
    ~sender() { close(); }

    /// Hands the value to all receivers, and returns their number. Without one the value is destroyed: who subscribes later does not see
    /// it. The oldest value is given up if n are kept.
    ///
    /// Throws: std::bad_alloc.
    /// Cost: one allocation, and a short lock, in which no value is destroyed; one wake-up for each receiver that waits.
    std::size_t send(T value) const {
        if (channel_ == nullptr) return 0;
        return channel_->send(new detail::node_of<detail::broadcast_node, T>(std::move(value)));
    }

    /// One more receiver, of what is sent from now on. Not of a sender that was moved from or closed.
    ///
    /// Throws: std::bad_alloc. Cost: one allocation.
    receiver<T> subscribe() const {
        detail::debug_check(
            channel_ != nullptr,
            "pollux: broadcast: subscribe() of a sender that was moved from or closed; copy the sender before");
        return receiver<T>(channel_);
    }

    // --- as a sink ---

    polled<> poll_ready(context& cx) noexcept {
        if (!cx.consume_budget()) return pending;
        return polled<>::ready();
    }
    void start_send(T value) { static_cast<void>(send(std::move(value))); }
    polled<> poll_flush(context&) noexcept { return polled<>::ready(); }
    /// This end is a sender no longer; copies are. Ready at once.
    polled<> poll_close(context&) noexcept {
        close();
        return polled<>::ready();
    }

private:
    friend std::pair<sender, receiver<T>> channel<T>(std::size_t);

    explicit sender(detail::broadcast_channel* shared) noexcept : channel_(shared) {}

    void close() noexcept {
        if (channel_ != nullptr) detail::broadcast_channel::drop_sender(std::exchange(channel_, nullptr));
    }

    detail::broadcast_channel* channel_;  // null: moved from, or closed
};

/// A channel that keeps the latest `n` values for receivers that have not taken them.
///
/// `auto [tx, rx] = sync::broadcast::channel<int>(16);`
/// Throws: std::invalid_argument if `n` is 0; std::bad_alloc.
/// Cost: three allocations: the channel, `n` pointers, the receiver; then one for each value.
/// Source: a ring of values with a count of receivers to come, as in Tokio's broadcast.
template <class T>
std::pair<sender<T>, receiver<T>> channel(std::size_t n) {
    static_assert(std::is_object_v<T> && std::is_copy_constructible_v<T> && std::is_move_constructible_v<T>,
                  "pollux: broadcast::channel: the value is not a copyable object; each receiver gets a copy, send a "
                  "std::shared_ptr");
    if (n == 0)
        throw std::invalid_argument(
            "pollux: broadcast::channel(0): a channel that keeps nothing passes nothing; give it at least 1");
    sender<T> tx(new detail::broadcast_channel(n));
    receiver<T> rx(tx.channel_);
    return {std::move(tx), std::move(rx)};
}

}  // namespace pollux::inline v0::sync::broadcast
