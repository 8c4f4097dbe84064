// SPDX-License-Identifier: MIT
// What the ends of an mpsc channel share: the queue, the free places of a bounded one, and whether the receiver has
// closed it. Used by sync/mpsc.hpp; the protocols are argued in mpsc_list.hpp, mpsc_queue.hpp and permit_queue.hpp.
//
// A place is a permit: taken by a sender, it goes with the item through the queue, and the receiver gives it back, to
// the reserve: so it changes nothing that senders change while they find places. After close() a bounded channel is
// at its end when all places are back; an unbounded one when all that was pushed before has been taken. A place that
// comes back unused after close() wakes the receiver. No wake-up is lost: who gives it back sees that `places_` is
// closed, or close() comes later and the poll after it sees the place, for both are read-modify-writes of one word.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/sync/closed_signal.hpp"
#include "pollux/sync/mpsc_queue.hpp"
#include "pollux/sync/permit_queue.hpp"

namespace pollux::inline v0::detail {

using mpsc_places = permit_queue<waker, std_sync, permit_reserve<std_sync>*>;

template <class T>
class mpsc_channel {
public:
    /// 0: unbounded.
    explicit mpsc_channel(std::size_t capacity) noexcept : capacity_(capacity), places_(capacity, &returned_) {}

    // --- senders ---

    bool is_closed() const noexcept { return closed_.is_closed(); }
    closed_signal& closed() noexcept { return closed_; }
    mpsc_places& places() noexcept { return places_; }

    void add_counts(std::uint64_t n) noexcept { queue_.add_counts(n); }
    static void drop_counts(mpsc_channel* channel, std::uint64_t n) noexcept {
        if (channel->queue_.drop_counts(n)) [[unlikely]]
            last_has_gone(channel);
    }
    static void drop_sender(mpsc_channel* channel) noexcept { drop_counts(channel, 1); }
    void add_owner() noexcept { queue_.add_owner(); }
    static void drop_owner(mpsc_channel* channel) noexcept {
        if (channel->queue_.drop_owner()) delete channel;
    }

    /// Into a place that the caller has taken, if it is bounded, by who holds a count as a sender. Done: the count has gone with
    /// the item. Else it is still the caller's, who goes on with after_put().
    [[nodiscard, gnu::always_inline]] mpsc_push put(T&& item) noexcept { return queue_.put(std::move(item)); }
    /// False: the receiver is gone, the place is given up; of an unbounded one, also: closed. The item was not moved from.
    bool after_put(mpsc_push put) noexcept { return queue_.after_put(put); }
    /// Both, by who is no sender any more then.
    static bool put_last(mpsc_channel* channel, T&& item) noexcept {
        const auto put = channel->put(std::move(item));
        return put == mpsc_push::done || after_last_put(channel, put);
    }
    [[gnu::noinline]] static bool after_last_put(mpsc_channel* channel, mpsc_push put) noexcept {
        const bool is_sent = channel->after_put(put);
        drop_sender(channel);
        return is_sent;
    }
    void give_place_back() noexcept {
        if (capacity_ == 0) return;  // a slot of an unbounded channel has taken nothing
        places_.give_back(1);
        if (places_.is_closed()) [[unlikely]]
            queue_.wake_receiver();
    }
    void withdraw(mpsc_places::waiter& one) noexcept {
        places_.withdraw(one);
        // It may have been granted a place.
        if (places_.is_closed()) [[unlikely]]
            queue_.wake_receiver();
    }

    // --- the receiver ---

    /// Whether the next item is there; if not, look() looks closer.
    bool has_front() const noexcept { return queue_.has_front(); }
    [[nodiscard]] bool look() noexcept { return queue_.look(); }
    /// The next item, which is there.
    T& front() noexcept { return queue_.front(); }
    /// After the front was moved from: its place is free.
    void pop() noexcept {
        queue_.pop();
        if (capacity_ != 0 && returned_.add()) [[unlikely]]
            places_.serve_from_reserve();
    }
    /// True: the waker is woken for an item and for the end. False: look() says which of them it is.
    bool wait(const waker& to_wake) noexcept {
        queue_.wait(to_wake);
        const bool is_over = queue_.has_no_sender() || (is_closed_here_ && is_drained());
        return !queue_.look() && !is_over;
    }
    void close() noexcept {
        if (is_closed_here_) return;
        is_closed_here_ = true;
        refuse();
        closed_.close();
    }
    static void drop_receiver(mpsc_channel* channel) noexcept {
        channel->refuse();
        channel->closed_.close();
        // It closes the queue of a bounded one, too: otherwise what goes into reserved places would stay until the last sender goes,
        // as what is on its way at this moment does.
        if (channel->queue_.drop_receiver()) delete channel;
    }

private:
    void refuse() noexcept {
        if (capacity_ != 0)
            places_.close();
        else
            queue_.close();
    }
    [[gnu::noinline]] static void last_has_gone(mpsc_channel* channel) noexcept {
        if (channel->queue_.drop_last_sender()) delete channel;
    }
    bool is_drained() noexcept { return capacity_ != 0 ? places_.count() == capacity_ : queue_.is_at_end(); }

    // The receiver changes it for each item, as it does what stands first in the queue; senders when they have found no place.
    permit_reserve<std_sync> returned_;
    const std::size_t capacity_;
    bool is_closed_here_ = false;  // the receiver's
    mpsc_queue<T, waker, std_sync> queue_;
    mpsc_places places_;
    closed_signal closed_;
};

/// Counts as a sender: while one lives the receiver waits. Null after a move.
template <class T>
class mpsc_sender_ref {
public:
    /// Takes over a count.
    explicit mpsc_sender_ref(mpsc_channel<T>* channel) noexcept : channel_(channel) {}
    mpsc_sender_ref(mpsc_sender_ref&& other) noexcept : channel_(other.release()) {}
    mpsc_sender_ref& operator=(mpsc_sender_ref other) noexcept {
        std::swap(channel_, other.channel_);
        return *this;
    }
    ~mpsc_sender_ref() {
        if (channel_ != nullptr) mpsc_channel<T>::drop_sender(channel_);
    }

    /// The count is the caller's.
    mpsc_channel<T>* release() noexcept { return std::exchange(channel_, nullptr); }
    explicit operator bool() const noexcept { return channel_ != nullptr; }
    mpsc_channel<T>* operator->() const noexcept { return channel_; }
    bool is_closed() const noexcept { return channel_ == nullptr || channel_->is_closed(); }

private:
    mpsc_channel<T>* channel_;
};

/// Counts as a sender, and has counts for what it sends: it gets many at once, so that the word that all senders change is
/// left alone by most sends. Null after a move.
///
/// Threads: what is const, by any at the same time.
template <class T>
class mpsc_sender_stock {
public:
    /// Takes over a count.
    explicit mpsc_sender_stock(mpsc_channel<T>* channel) noexcept : channel_(channel) {}
    mpsc_sender_stock(const mpsc_sender_stock& other) noexcept : channel_(other.channel_) {
        if (channel_ != nullptr) channel_->add_counts(1);
    }
    mpsc_sender_stock(mpsc_sender_stock&& other) noexcept
        : channel_(std::exchange(other.channel_, nullptr)), in_stock_(other.take_all()) {}
    mpsc_sender_stock& operator=(mpsc_sender_stock other) noexcept {
        std::swap(channel_, other.channel_);
        other.in_stock_.store(in_stock_.exchange(other.take_all(), std::memory_order::relaxed),
                              std::memory_order::relaxed);
        return *this;
    }
    ~mpsc_sender_stock() { reset(); }

    void reset() noexcept {
        if (channel_ != nullptr)
            mpsc_channel<T>::drop_counts(std::exchange(channel_, nullptr), static_cast<std::uint64_t>(take_all() + 1));
    }
    /// A count, for the caller; or null.
    [[gnu::always_inline]] mpsc_channel<T>* count() const noexcept {
        if (in_stock_.fetch_sub(1, std::memory_order::relaxed) <= 0) [[unlikely]]
            return get_more();
        if (channel_ == nullptr) __builtin_unreachable();  // null has none in stock
        return channel_;
    }
    /// False: as after_put(). It may be destroyed by the wake-up. Not of one that is null.
    bool put(T&& item) const noexcept { return mpsc_channel<T>::put_last(count(), std::move(item)); }
    explicit operator bool() const noexcept { return channel_ != nullptr; }
    mpsc_channel<T>* operator->() const noexcept { return channel_; }
    bool is_closed() const noexcept { return channel_ == nullptr || channel_->is_closed(); }

private:
    [[gnu::noinline]] mpsc_channel<T>* get_more() const noexcept {
        // A number like another: they cost nothing while they are not used.
        const std::int64_t many = channel_ != nullptr ? 1024 : 1;
        if (channel_ != nullptr) channel_->add_counts(static_cast<std::uint64_t>(many));
        in_stock_.fetch_add(many, std::memory_order::relaxed);
        return channel_;
    }
    std::int64_t take_all() noexcept { return in_stock_.exchange(0, std::memory_order::relaxed); }

    mpsc_channel<T>* channel_;
    // Relaxed, wherever it is used: a number, which says nothing of anything else. Below zero for a moment, where several take the last ones.
    mutable std::atomic<std::int64_t> in_stock_{0};
};

/// One place of a bounded channel, from the first poll until it is used or given back. It counts as a sender until it is over.
template <class T>
class mpsc_place_wait {
public:
    /// Takes over a count, if the channel is not null.
    explicit mpsc_place_wait(mpsc_channel<T>* channel) noexcept : channel_(channel), nothing_{} {}
    mpsc_place_wait(mpsc_place_wait&& other) noexcept
        : channel_(other.channel_), step_(std::exchange(other.step_, step::is_over)), nothing_{} {
        if (step_ == step::waits || step_ == step::holds) [[unlikely]]
            fail_check(moved_in_flight);
    }
    mpsc_place_wait& operator=(mpsc_place_wait&&) = delete;
    ~mpsc_place_wait() {
        if (step_ != step::is_over) [[unlikely]]
            give_up();
    }

    /// The first poll, where a place is at hand and nobody waits. True: go on with has_taken(), else with poll().
    [[gnu::always_inline]] bool takes_at_once() noexcept {
        return channel_ != nullptr && step_ == step::fresh && channel_->places().try_take_one();
    }
    /// False: pending. True: as taken of poll().
    [[gnu::always_inline]] bool has_taken(context& cx) noexcept {
        if (!cx.consume_budget()) [[unlikely]] {
            step_ = step::holds;
            return false;
        }
        step_ = step::is_over;
        return true;
    }
    /// Taken: the place is the caller's, and the count as a sender, who goes on with channel(). It was charged to the budget.
    [[gnu::always_inline]] permit_answer poll(context& cx) noexcept {
        debug_check(step_ != step::is_over,
                    "pollux: mpsc: a send was polled after it was ready; poll a future to its end once");
        if (channel_ == nullptr) step_ = step::is_refused;
        if (step_ == step::fresh || step_ == step::waits) wait(cx.waker());
        if (step_ == step::waits || !cx.consume_budget()) return permit_answer::pending;
        const auto ended = std::exchange(step_, step::is_over);
        if (ended == step::holds) return permit_answer::taken;
        // A future that is done is no sender; one that is polled again, where nothing checks that, has no count to give up.
        if (ended == step::is_refused && channel_ != nullptr) mpsc_channel<T>::drop_sender(channel_);
        return permit_answer::closed;
    }
    mpsc_channel<T>* channel() const noexcept { return channel_; }

private:
    enum class step : unsigned char { fresh, waits, holds, is_refused, is_over };

    void wait(const waker& to_wake) noexcept {
        if (step_ == step::fresh) std::construct_at(&waiter_);
        const auto answer = step_ == step::fresh ? channel_->places().start_with_one(waiter_, to_wake)
                                                 : channel_->places().look(waiter_, to_wake);
        step_ = step::waits;
        if (answer == permit_answer::pending) return;
        std::destroy_at(&waiter_);
        step_ = answer == permit_answer::taken ? step::holds : step::is_refused;
    }
    [[gnu::noinline]] void give_up() noexcept {
        if (channel_ == nullptr) return;
        if (step_ == step::holds) channel_->give_place_back();
        if (step_ == step::waits) {
            channel_->withdraw(waiter_);
            std::destroy_at(&waiter_);
        }
        mpsc_channel<T>::drop_sender(channel_);
    }

    struct nothing {};

    mpsc_channel<T>* channel_;
    step step_ = step::fresh;
    union {
        nothing nothing_;
        mpsc_places::waiter waiter_;  // alive while it waits
    };
};

}  // namespace pollux::inline v0::detail
