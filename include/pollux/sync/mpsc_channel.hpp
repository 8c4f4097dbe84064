// SPDX-License-Identifier: MIT
// What the ends of an mpsc channel share: the queue, the free places of a bounded one, and whether the receiver has closed it. Used
// by sync/mpsc.hpp; the protocols are argued in mpsc_list.hpp, mpsc_queue.hpp and permit_queue.hpp.
//
// A place is a permit: taken by a sender, it goes with the item through the queue, and the receiver gives it back. After close() a
// bounded channel is at its end when all places are back; an unbounded one when all that was pushed before has been taken.
// A place that comes back unused after close() wakes the receiver. No wake-up is lost: who gives it back sees that `places_` is
// closed, or close() comes later and the poll after it sees the place, for both are read-modify-writes of one word.
#pragma once

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

using mpsc_places = permit_queue<waker, std_sync>;

template <class T>
class mpsc_channel {
public:
    /// 0: unbounded.
    explicit mpsc_channel(std::size_t capacity) noexcept : capacity_(capacity), places_(capacity) {}

    // --- senders ---

    bool is_closed() const noexcept { return closed_.is_closed(); }
    closed_signal& closed() noexcept { return closed_; }
    mpsc_places& places() noexcept { return places_; }

    void add_sender() noexcept { queue_.add_sender(); }
    static void drop_sender(mpsc_channel* channel) noexcept {
        if (channel->queue_.drop_sender()) delete channel;
    }
    void add_owner() noexcept { queue_.add_owner(); }
    static void drop_owner(mpsc_channel* channel) noexcept {
        if (channel->queue_.drop_owner()) delete channel;
    }

    /// Of an unbounded one. False: closed, and `item` was not moved from.
    [[nodiscard]] bool push(T&& item) noexcept { return queue_.push(std::move(item)); }
    /// Into a place that the caller has taken. False: the receiver is gone, the place is given up; of an unbounded one, also: closed.
    bool fill_place(T&& item) noexcept {
        // Without this look the item would stay until the last sender goes, as it does if the receiver goes at this moment.
        if (closed_.is_abandoned()) return false;
        return queue_.push(std::move(item));
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

    /// The next item, or null if none is there.
    T* front() noexcept { return queue_.front(); }
    /// After front() has given an item, which was moved from: its place is free.
    void pop() noexcept {
        queue_.pop();
        if (capacity_ != 0) places_.give_back(1);
    }
    /// True: the waker is woken for an item and for the end. False: front() says which of them it is.
    bool wait(const waker& to_wake) noexcept {
        queue_.wait(to_wake);
        const bool is_over = queue_.has_no_sender() || (is_closed_here_ && is_drained());
        return queue_.front() == nullptr && !is_over;
    }
    void close() noexcept {
        if (is_closed_here_) return;
        is_closed_here_ = true;
        refuse();
        closed_.close();
    }
    static void drop_receiver(mpsc_channel* channel) noexcept {
        channel->refuse();
        channel->closed_.abandon();
        while (channel->queue_.front() != nullptr) channel->queue_.pop();
        if (channel->queue_.drop_receiver()) delete channel;
    }

private:
    void refuse() noexcept {
        if (capacity_ != 0)
            places_.close();
        else
            queue_.close();
    }
    bool is_drained() const noexcept { return capacity_ != 0 ? places_.at_hand() == capacity_ : queue_.is_at_end(); }

    mpsc_queue<T, waker, std_sync> queue_;
    const std::size_t capacity_;
    mpsc_places places_;
    closed_signal closed_;
    bool is_closed_here_ = false;  // the receiver's
};

/// Counts as a sender: while one lives the receiver waits. Null after a move.
template <class T>
class mpsc_sender_ref {
public:
    /// Takes over a count.
    explicit mpsc_sender_ref(mpsc_channel<T>* channel) noexcept : channel_(channel) {}
    mpsc_sender_ref(const mpsc_sender_ref& other) noexcept : channel_(other.channel_) {
        if (channel_ != nullptr) channel_->add_sender();
    }
    mpsc_sender_ref(mpsc_sender_ref&& other) noexcept : channel_(std::exchange(other.channel_, nullptr)) {}
    mpsc_sender_ref& operator=(mpsc_sender_ref other) noexcept {
        std::swap(channel_, other.channel_);
        return *this;
    }
    ~mpsc_sender_ref() { reset(); }

    void reset() noexcept {
        if (channel_ != nullptr) mpsc_channel<T>::drop_sender(std::exchange(channel_, nullptr));
    }
    explicit operator bool() const noexcept { return channel_ != nullptr; }
    mpsc_channel<T>* operator->() const noexcept { return channel_; }
    bool is_closed() const noexcept { return channel_ == nullptr || channel_->is_closed(); }

private:
    mpsc_channel<T>* channel_;
};

/// One place of a bounded channel, from the first poll until it is used or given back.
template <class T>
class mpsc_place_wait {
public:
    explicit mpsc_place_wait(mpsc_sender_ref<T> channel) noexcept : channel_(std::move(channel)), nothing_{} {}
    mpsc_place_wait(mpsc_place_wait&& other) noexcept
        : channel_(std::move(other.channel_)), step_(other.step_), nothing_{} {
        if (other.step_ == step::waits || other.step_ == step::holds) [[unlikely]]
            fail_check(moved_in_flight);
    }
    mpsc_place_wait& operator=(mpsc_place_wait&&) = delete;
    ~mpsc_place_wait() {
        if (step_ == step::waits || step_ == step::holds) [[unlikely]]
            give_up();
    }

    /// Taken: the place is the caller's, who goes on with release(), and it was charged to the budget.
    [[gnu::always_inline]] permit_answer poll(context& cx) noexcept {
        debug_check(step_ != step::is_over,
                    "pollux: mpsc: a send was polled after it was ready; poll a future to its end once");
        if (step_ == step::fresh && channel_ && channel_->places().try_take(1) == permit_answer::taken) [[likely]]
            step_ = step::holds;
        else if (step_ != step::holds)
            wait(cx.waker());
        if (step_ == step::waits || !cx.consume_budget()) return permit_answer::pending;
        const auto answer = step_ == step::holds ? permit_answer::taken : permit_answer::closed;
        step_ = step::is_over;
        return answer;
    }
    mpsc_sender_ref<T> release() noexcept { return std::move(channel_); }

private:
    enum class step : unsigned char { fresh, waits, holds, is_refused, is_over };

    [[gnu::noinline]] void wait(const waker& to_wake) noexcept {
        if (step_ == step::is_refused) return;  // the budget was spent
        if (!channel_) {
            step_ = step::is_refused;
            return;
        }
        if (step_ == step::fresh) std::construct_at(&waiter_);
        const auto answer = step_ == step::fresh ? channel_->places().start(waiter_, 1, to_wake)
                                                 : channel_->places().look(waiter_, to_wake);
        step_ = step::waits;
        if (answer == permit_answer::pending) return;
        std::destroy_at(&waiter_);
        step_ = answer == permit_answer::taken ? step::holds : step::is_refused;
    }
    [[gnu::noinline]] void give_up() noexcept {
        if (step_ == step::holds) return channel_->give_place_back();
        channel_->withdraw(waiter_);
        std::destroy_at(&waiter_);
    }

    struct nothing {};

    mpsc_sender_ref<T> channel_;
    step step_ = step::fresh;
    union {
        nothing nothing_;
        mpsc_places::waiter waiter_;  // alive while it waits
    };
};

}  // namespace pollux::inline v0::detail
