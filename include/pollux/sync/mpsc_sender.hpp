// SPDX-License-Identifier: MIT
// The sending end of a bounded mpsc channel, its futures, and the place that can be reserved.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/sync/disconnected.hpp"
#include "pollux/sync/mpsc_channel.hpp"
#include "pollux/sync/mpsc_closed.hpp"
#include "pollux/sync/send_status.hpp"

namespace pollux::inline v0::detail {

template <class T>
class mpsc_send_future;
template <class T>
class mpsc_reserve_future;
template <class T>
class mpsc_unbounded_reserve_future;

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::sync::mpsc {

template <class T>
class sender;
template <class T>
class receiver;
template <class T>
std::pair<sender<T>, receiver<T>> channel(std::size_t capacity);

/// A place in a channel that is kept for one value. Move-only. Dropping it unused gives the place to the next.
///
/// Threads: as any object, one at a time. It counts as a sender: while it lives the receiver waits, of a bounded
/// channel also after close().
template <class T>
class [[nodiscard]] slot {
public:
    slot(slot&& other) noexcept = default;
    slot& operator=(slot other) noexcept {
        std::swap(channel_, other.channel_);
        return *this;
    }
    ~slot() {
        if (channel_) channel_->give_place_back();
    }

    /// Sends the value into the place. Never waits, and cannot fail: it is received also after close(); if the
    /// receiver is gone it is destroyed, and if an unbounded channel was closed. Once, and not of a slot that was
    /// moved from.
    void send(T value) noexcept {
        detail::debug_check(static_cast<bool>(channel_),
                            "pollux: mpsc: a slot was used twice, or after it was moved from; reserve another");
        static_cast<void>(detail::mpsc_channel<T>::put_last(channel_.release(), std::move(value)));
    }

private:
    friend detail::mpsc_reserve_future<T>;
    friend detail::mpsc_unbounded_reserve_future<T>;

    explicit slot(detail::mpsc_sender_ref<T> channel) noexcept : channel_(std::move(channel)) {}

    detail::mpsc_sender_ref<T> channel_;
};

/// The sending end of a bounded channel; a sink. Each copy is a sender of its own; the receiver's stream ends when all are gone.
///
/// Threads: any; what is const by any number at once, the rest by one. It may be moved at any time, also while its futures wait.
/// Cost: a copy is one read-modify-write. A poll_ready() that has to wait allocates, once a sender.
template <class T>
class sender {
public:
    using item_type = T;
    using error_type = disconnected;

    sender(const sender& other) noexcept : channel_(other.channel_) {}
    sender(sender&& other) noexcept
        : channel_(std::move(other.channel_)),
          has_place_(std::exchange(other.has_place_, false)),
          waiting_(std::move(other.waiting_)) {}
    sender& operator=(sender other) noexcept {
        std::swap(channel_, other.channel_);
        std::swap(has_place_, other.has_place_);
        std::swap(waiting_, other.waiting_);
        return *this;
    }
    ~sender() { give_up_place(); }

    /// A future that waits for a place and then sends. Places go to who waits, in the order of the first polls. It
    /// counts as a sender.
    ///
    /// Errors: `disconnected` if the receiver is gone or has closed the channel; the value is lost: use reserve()
    /// where it must not be.
    /// Cancel: dropping it while it is pending destroys the value unsent, and a place that it was granted goes to the next.
    /// Cost: no allocation of its own. Three read-modify-writes if a place is free, and one of this sender's own; more if
    /// the receiver waits for this item.
    detail::mpsc_send_future<T> send(T value) const;

    /// Sends if a place is free and nobody waits for one. `value` is moved from only if the answer is `sent`.
    send_status try_send(T& value) const noexcept {
        if (!channel_) return send_status::disconnected;
        switch (channel_->places().try_take(1)) {
            case detail::permit_answer::pending: return send_status::full;
            case detail::permit_answer::closed: return send_status::disconnected;
            case detail::permit_answer::taken: break;
        }
        return channel_.put(std::move(value)) ? send_status::sent : send_status::disconnected;
    }

    /// A future of a `slot`: waits for a place, as send() does, and keeps it for one value.
    ///
    /// Errors: `disconnected` if the receiver is gone or has closed the channel.
    /// Cancel: dropping it loses nothing: a place that it was granted goes to the next.
    detail::mpsc_reserve_future<T> reserve() const noexcept;

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

    /// Ready once a place is reserved for start_send(), which this sender keeps: no copy has it, dropping the sender
    /// gives it back.
    ///
    /// Throws: std::bad_alloc if it has to wait.
    polled<void, disconnected> poll_ready(context& cx) {
        if (!has_place_) {
            switch (take_place(cx.waker())) {
                case detail::permit_answer::pending: return pending;
                case detail::permit_answer::closed:
                    if (!cx.consume_budget()) return pending;
                    return std::unexpected(disconnected());
                case detail::permit_answer::taken: has_place_ = true;
            }
        }
        if (!cx.consume_budget()) return pending;
        return polled<void, disconnected>::ready();
    }
    /// Fails if the receiver is gone; after close() a reserved place can still be used.
    std::expected<void, disconnected> start_send(T value) noexcept {
        detail::debug_check(has_place_,
                            "pollux: mpsc: start_send without a place; poll_ready has to be ready before each");
        has_place_ = false;
        if (!channel_.put(std::move(value))) return std::unexpected(disconnected());
        return {};
    }
    /// Ready at once: what was sent is in the channel.
    polled<void, disconnected> poll_flush(context&) noexcept { return polled<void, disconnected>::ready(); }
    /// This end is a sender no longer; copies are. Ready at once.
    polled<void, disconnected> poll_close(context&) noexcept {
        give_up_place();
        channel_.reset();
        return polled<void, disconnected>::ready();
    }

private:
    // In a block of its own, for it stands in a list and the sender may be moved. Kept for the next time.
    struct waiting_place {
        detail::mpsc_places::waiter waiter;
        bool is_in_line = false;
    };

    detail::permit_answer take_place(const waker& to_wake) {
        if (!channel_) return detail::permit_answer::closed;
        auto answer = detail::permit_answer::pending;
        if (waiting_ != nullptr && waiting_->is_in_line) {
            answer = channel_->places().look(waiting_->waiter, to_wake);
            if (answer == detail::permit_answer::pending) return answer;
            // For the next time: a waiter stands in the line once.
            std::destroy_at(waiting_.get());
            std::construct_at(waiting_.get());
            return answer;
        }
        answer = channel_->places().try_take(1);
        if (answer != detail::permit_answer::pending) return answer;
        if (waiting_ == nullptr) waiting_ = std::make_unique<waiting_place>();
        answer = channel_->places().start(waiting_->waiter, 1, to_wake);
        waiting_->is_in_line = answer == detail::permit_answer::pending;
        return answer;
    }
    void give_up_place() noexcept {
        if (!channel_) return;
        if (std::exchange(has_place_, false)) channel_->give_place_back();
        if (waiting_ != nullptr && waiting_->is_in_line) channel_->withdraw(waiting_->waiter);
        waiting_.reset();
    }

    friend std::pair<sender, receiver<T>> channel<T>(std::size_t);

    explicit sender(detail::mpsc_channel<T>* channel) noexcept : channel_(channel) {}

    detail::mpsc_sender_stock<T> channel_;
    bool has_place_ = false;
    std::unique_ptr<waiting_place> waiting_;
};

}  // namespace pollux::inline v0::sync::mpsc

namespace pollux::inline v0::detail {

template <class T>
class [[nodiscard]] mpsc_send_future {
public:
    using value_type = void;
    using error_type = sync::disconnected;

    // The value first, for its move may throw.
    mpsc_send_future(const mpsc_sender_stock<T>& channel, T&& value)
        : value_(std::move(value)), place_(channel.count()) {}

    // A send that need not wait is few instructions, in place, and the rest apart.
    [[gnu::always_inline]] polled<void, sync::disconnected> poll(context& cx) noexcept {
        auto* const channel = place_.channel();
        if (!place_.takes_at_once()) [[unlikely]]
            return poll_again(cx);
        if (!place_.has_taken(cx)) [[unlikely]]
            return pending;
        const auto put = channel->put(std::move(value_));
        // Two calls, so that each jumps to its own and none has to be told.
        if (put == mpsc_push::refused) [[unlikely]]
            return after_put(mpsc_push::refused);
        if (put == mpsc_push::awaited) [[unlikely]]
            return after_put(mpsc_push::awaited);
        return answer::ready();
    }

private:
    using answer = polled<void, sync::disconnected>;

    [[gnu::noinline]] answer after_put(mpsc_push put) noexcept {
        if (!mpsc_channel<T>::after_last_put(place_.channel(), put)) return std::unexpected(sync::disconnected());
        return answer::ready();
    }
    [[gnu::noinline]] answer poll_again(context& cx) noexcept {
        switch (place_.poll(cx)) {
            case permit_answer::pending: return pending;
            case permit_answer::closed: break;
            case permit_answer::taken:
                if (mpsc_channel<T>::put_last(place_.channel(), std::move(value_))) return answer::ready();
        }
        return std::unexpected(sync::disconnected());
    }

    T value_;
    mpsc_place_wait<T> place_;
};

template <class T>
class [[nodiscard]] mpsc_reserve_future {
public:
    using value_type = sync::mpsc::slot<T>;
    using error_type = sync::disconnected;

    explicit mpsc_reserve_future(const mpsc_sender_stock<T>& channel) noexcept : place_(channel.count()) {}

    polled<value_type, error_type> poll(context& cx) noexcept {
        const auto answer = place_.poll(cx);
        if (answer == permit_answer::pending) return pending;
        if (answer == permit_answer::taken) return value_type(mpsc_sender_ref<T>(place_.channel()));
        return std::unexpected(error_type());
    }

private:
    mpsc_place_wait<T> place_;
};

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::sync::mpsc {

template <class T>
detail::mpsc_send_future<T> sender<T>::send(T value) const {
    return detail::mpsc_send_future<T>(channel_, std::move(value));
}

template <class T>
detail::mpsc_reserve_future<T> sender<T>::reserve() const noexcept {
    return detail::mpsc_reserve_future<T>(channel_);
}

}  // namespace pollux::inline v0::sync::mpsc
