// SPDX-License-Identifier: MIT
// A channel for one value: two ends of one block on the heap, which holds the value, a waker slot for each end, and the
// word that says whose they are (sync/oneshot_state.hpp argues the protocol). Calls the wakers; never a lock.
//
// Invariants: an end that has done its part, or was moved from, holds no block. The value is destroyed by the receiver,
// or given back to whoever sends; the block's destructor does not know it. Nor does it drop a waker: the count of one that is
// still in its slot is no longer the slot's.
#pragma once

#include <cstddef>
#include <expected>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/future/detail/until_over.hpp"
#include "pollux/sync/disconnected.hpp"
#include "pollux/sync/oneshot_state.hpp"

namespace pollux::inline v0::detail {

// Every function that may be an end's last access is static and takes the block: it may be freed there.
// In the thread's free blocks, like the frames of the tasks that it connects.
template <class T, class Waker, class Sync>
class oneshot_block : public in_free_blocks {
public:
    oneshot_block() noexcept {}
    oneshot_block(const oneshot_block&) = delete;
    oneshot_block& operator=(const oneshot_block&) = delete;

    /// The sender's end. Gives the value back if the receiver is gone.
    [[gnu::always_inline]] static std::expected<void, T> send(oneshot_block* block, T&& value) noexcept {
        std::construct_at(std::addressof(block->value_), std::move(value));
        const auto sent = block->state_.try_send();
        if (sent == oneshot_sent::other) [[unlikely]]
            return send_closely(*block);
        if (sent == oneshot_sent::awaited) wake_receiver(*block);
        return {};
    }

    static void drop_sender(oneshot_block* block) noexcept {
        finish(*block, oneshot_end::sender, block->state_.leave_sender(false));
    }

    static void drop_receiver(oneshot_block* block) noexcept {
        const auto todo = block->state_.leave_receiver(false);
        if (todo.value_owned) std::destroy_at(std::addressof(block->value_));
        finish(*block, oneshot_end::receiver, todo);
    }

    /// The receiver's end, after has_value().
    [[gnu::always_inline]] static T take(oneshot_block* block) noexcept {
        T value(std::move(block->value_));
        std::destroy_at(std::addressof(block->value_));
        if (block->state_.is_sender_done()) [[likely]]
            delete block;
        else
            leave_taken(*block);
        return value;
    }

    bool has_value() const noexcept { return state_.has_value(); }
    bool is_open() const noexcept { return state_.is_open(); }
    bool is_closed() const noexcept { return state_.is_closed(); }

    void close() noexcept {
        if (state_.close()) take_waker_of(oneshot_end::sender).wake();
    }

    /// True: the waker is woken when the other end goes. False: it is gone.
    [[gnu::always_inline]] bool wait(oneshot_end end, const Waker& waker) noexcept {
        if (state_.is_waker_published(end)) [[unlikely]]
            return wait_again(end, waker);
        std::construct_at(&slot(end), waker);
        return publish(end);
    }

private:
    // What is still in a slot has been taken by the other end.
    ~oneshot_block() {
        const auto word = state_.last_word();
        if (!state_.is_any_published(word)) return;
        for (const auto end : {oneshot_end::sender, oneshot_end::receiver}) {
            if (!state_.is_published(word, end)) continue;
            Waker& taken = slot(end);
            taken.forget();
            std::destroy_at(&taken);
        }
    }

    [[gnu::noinline]] static void wake_receiver(oneshot_block& block) noexcept {
        finish(block, oneshot_end::sender, {.wake_other = true, .must_finish = true});
    }
    // With the value in its place, after try_send().
    [[gnu::noinline]] static std::expected<void, T> send_closely(oneshot_block& block) noexcept {
        const auto todo = block.state_.leave_sender(true);
        if (!todo.value_refused) {
            finish(block, oneshot_end::sender, todo);
            return {};
        }
        std::unexpected<T> refused(std::move(block.value_));
        std::destroy_at(std::addressof(block.value_));
        finish(block, oneshot_end::sender, todo);
        return refused;
    }
    [[gnu::noinline]] static void leave_taken(oneshot_block& block) noexcept {
        finish(block, oneshot_end::receiver, block.state_.leave_receiver(true));
    }

    // Inlined, as leave() is: most ends have none of it to do.
    [[gnu::always_inline]] static void finish(oneshot_block& block, oneshot_end end,
                                              const oneshot_leave& todo) noexcept {
        Waker to_wake;
        if (todo.wake_other)
            to_wake = block.take_waker_of(end == oneshot_end::sender ? oneshot_end::receiver : oneshot_end::sender);
        if (todo.empty_slot) std::destroy_at(&block.slot(end));
        if (todo.must_finish ? block.state_.finish(end) : todo.free_block) delete &block;
        std::move(to_wake).wake();
    }

    [[gnu::noinline]] bool wait_again(oneshot_end end, const Waker& waker) noexcept {
        Waker& own = slot(end);
        // Only compared: the other end may be waking it, so that what it wakes may be gone.
        if (own.is_clone_of(waker)) return !state_.is_other_gone(end);
        if (!state_.withdraw_waker(end)) return false;
        if (!own.will_wake(waker)) own = waker;
        return publish(end);
    }
    [[gnu::always_inline]] bool publish(oneshot_end end) noexcept {
        if (state_.publish_waker(end)) [[likely]]
            return true;
        std::destroy_at(&slot(end));
        return false;
    }

    // Of the other end, whose slot is the caller's by claim 2. It is only read: that end may be comparing it.
    Waker take_waker_of(oneshot_end end) noexcept {
        const Waker& from = slot(end);
        return Waker(from.data(), from.table());
    }
    Waker& slot(oneshot_end end) noexcept { return end == oneshot_end::sender ? sender_slot_ : receiver_slot_; }

    oneshot_state<Sync> state_;
    // Each alive while its end's bit is set in the word, and of whoever claim 2 says.
    union {
        Waker sender_slot_;
    };
    union {
        Waker receiver_slot_;
    };
    union {
        T value_;
    };
};

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::sync::oneshot {

template <class T>
class sender;
template <class T>
class receiver;
template <class T>
std::pair<sender<T>, receiver<T>> channel();

/// A future that is ready once the receiver is dropped or closed.
///
/// Threads: polled by one at a time. The sender may be moved meanwhile, but must not send or be destroyed before this
/// future.
/// Cancel: dropping it loses nothing.
template <class T>
class [[nodiscard]] closed_future {
public:
    using value_type = void;
    using error_type = never;

    polled<> poll(context& cx) noexcept {
        detail::debug_check(!is_over_,
                            "pollux: oneshot: closed() was polled after it was ready; poll a future to its end once");
        return detail::until_over([&] [[gnu::always_inline]] { return advance(cx); }, [&] { is_over_ = true; });
    }

private:
    friend class sender<T>;
    using block = detail::oneshot_block<T, waker, detail::std_sync>;

    explicit closed_future(block* shared) noexcept : block_(shared) {}

    [[gnu::always_inline]] polled<> advance(context& cx) noexcept {
        if (block_ != nullptr && !block_->is_closed() && block_->wait(detail::oneshot_end::sender, cx.waker())) {
            return pending;
        }
        if (!cx.consume_budget()) return pending;
        return polled<>::ready();
    }

    block* block_;          // null: ready at once
    bool is_over_ = false;  // written in debug builds
};

/// The end that sends the one value. Dropping it unsent disconnects the receiver.
///
/// Threads: any; each object is used by one at a time, at the same time as the receiver.
template <class T>
class sender {
public:
    sender(sender&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    sender& operator=(sender other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~sender() {
        if (block_ != nullptr) block::drop_sender(block_);
    }

    /// Hands the value to the receiver and wakes it. Never waits. Only the first call can succeed.
    ///
    /// Errors: the value itself, if the receiver is gone or closed, or this sender has sent before.
    /// Cost: one read-modify-write if nobody waits, else two and the waker's.
    std::expected<void, T> send(T value) noexcept {
        if (block_ == nullptr) return std::unexpected<T>(std::move(value));
        return block::send(std::exchange(block_, nullptr), std::move(value));
    }

    /// Whether a send is sure to fail: the receiver is gone or closed, or this sender has sent before.
    bool is_closed() const noexcept { return block_ == nullptr || block_->is_closed(); }

    /// A future that is ready once is_closed(): to give up work whose result nobody awaits. One of them at a time.
    closed_future<T> closed() noexcept { return closed_future<T>(block_); }

private:
    friend std::pair<sender, receiver<T>> channel<T>();
    using block = detail::oneshot_block<T, waker, detail::std_sync>;

    explicit sender(block* shared) noexcept : block_(shared) {}

    block* block_;
};

/// The end that receives: a future of the value.
///
/// Errors: `disconnected` if the sender is dropped without having sent, or this end was closed before a value came.
/// Threads: any; each object is used by one at a time, at the same time as the sender.
/// Cancel: dropping it destroys a value that has come, or lets the send fail. Dropping one lent with `by_ref` loses
/// nothing. Polled after try_recv() has taken the value, it fails with `disconnected`.
template <class T>
class [[nodiscard]] receiver {
public:
    using value_type = T;
    using error_type = disconnected;

    receiver(receiver&& other) noexcept
        : block_(std::exchange(other.block_, nullptr)), is_over_(std::exchange(other.is_over_, true)) {}
    receiver& operator=(receiver other) noexcept {
        std::swap(block_, other.block_);
        std::swap(is_over_, other.is_over_);
        return *this;
    }
    ~receiver() {
        if (block_ != nullptr) block::drop_receiver(block_);
    }

    // That of a value that has come is few instructions, in place, and the rest apart.
    [[gnu::always_inline]] polled<T, disconnected> poll(context& cx) noexcept {
        detail::debug_check(
            !is_over_, "pollux: oneshot: the receiver was polled after it was ready; poll a future to its end once");
        if (block_ != nullptr && block_->has_value()) [[likely]]
            return take(cx);
        return wait(cx);
    }

    /// The value, if it has come; never waits. Empty also once it was taken, or will never come.
    std::optional<T> try_recv() noexcept {
        if (block_ == nullptr || !block_->has_value()) return std::nullopt;
        return std::optional<T>(std::in_place, block::take(std::exchange(block_, nullptr)));
    }

    /// Lets every later send fail. A value that has come by now can still be taken.
    void close() noexcept {
        if (block_ != nullptr) block_->close();
    }

private:
    friend std::pair<sender<T>, receiver> channel<T>();
    using block = detail::oneshot_block<T, waker, detail::std_sync>;

    explicit receiver(block* shared) noexcept : block_(shared) {}

    [[gnu::always_inline]] polled<T, disconnected> take(context& cx) noexcept {
        if (!cx.consume_budget()) [[unlikely]]
            return pending;
        is_over_ = true;
        return polled<T, disconnected>::ready(block::take(std::exchange(block_, nullptr)));
    }
    [[gnu::noinline]] polled<T, disconnected> wait(context& cx) noexcept {
        if (block_ == nullptr) return std::unexpected(disconnected());
        if (block_->is_open() && block_->wait(detail::oneshot_end::receiver, cx.waker())) [[likely]]
            return pending;
        if (block_->has_value()) return take(cx);
        if (!cx.consume_budget()) return pending;
        is_over_ = true;
        block::drop_receiver(std::exchange(block_, nullptr));
        return std::unexpected(disconnected());
    }

    block* block_;          // null: received, disconnected or moved from
    bool is_over_ = false;  // a poll has given the end, or it was moved from
};

/// Two ends that share one allocation.
///
/// `auto [tx, rx] = sync::oneshot::channel<int>();`
/// Throws: std::bad_alloc.
/// Cost: one allocation, freed by whichever end goes last. Never a lock.
template <class T>
std::pair<sender<T>, receiver<T>> channel() {
    static_assert(
        std::is_object_v<T> && std::is_move_constructible_v<T>,
        "pollux: oneshot::channel: the value is not a movable object; use unit where there is nothing to send");
    auto* const shared = new detail::oneshot_block<T, waker, detail::std_sync>();
    return {sender<T>(shared), receiver<T>(shared)};
}

}  // namespace pollux::inline v0::sync::oneshot
