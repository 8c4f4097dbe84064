// SPDX-License-Identifier: MIT
// A channel for one value: two ends of one block on the heap, which holds the value, a waker slot for each end, and the
// word that says whose they are (sync/oneshot_state.hpp argues the protocol). Calls the wakers; never a lock.
//
// Invariants: an end that has done its part, or was moved from, holds no block. The value is destroyed by the receiver,
// or given back to whoever sends; the block's destructor does not know it.
#pragma once

#include <cstddef>
#include <expected>
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
#include "pollux/sync/disconnected.hpp"
#include "pollux/sync/oneshot_state.hpp"

namespace pollux::inline v0::detail {

// Every function that may be an end's last access is static and takes the block: it may be freed there.
template <class T, class Waker, class Sync>
class oneshot_block {
public:
    oneshot_block() noexcept {}
    oneshot_block(const oneshot_block&) = delete;
    oneshot_block& operator=(const oneshot_block&) = delete;

    // From the thread's free blocks, like the frames of the tasks that it connects.
    static void* operator new(std::size_t bytes) { return take_block(bytes); }
    static void operator delete(void* block, std::size_t bytes) noexcept { give_block(block, bytes); }
    static void* operator new(std::size_t bytes, std::align_val_t alignment) {
        return ::operator new(bytes, alignment);
    }
    static void operator delete(void* block, std::align_val_t alignment) noexcept {
        ::operator delete(block, alignment);
    }

    /// The sender's end. Gives the value back if the receiver is gone.
    static std::expected<void, T> send(oneshot_block* block, T&& value) noexcept {
        std::construct_at(std::addressof(block->value_), std::move(value));
        const auto todo = block->state_.leave_sender(true);
        if (!todo.value_refused) {
            finish(block, oneshot_end::sender, todo);
            return {};
        }
        std::unexpected<T> refused(std::move(block->value_));
        std::destroy_at(std::addressof(block->value_));
        finish(block, oneshot_end::sender, todo);
        return refused;
    }

    static void drop_sender(oneshot_block* block) noexcept {
        finish(block, oneshot_end::sender, block->state_.leave_sender(false));
    }

    static void drop_receiver(oneshot_block* block) noexcept {
        const auto todo = block->state_.leave_receiver(false);
        if (todo.value_owned) std::destroy_at(std::addressof(block->value_));
        finish(block, oneshot_end::receiver, todo);
    }

    /// The receiver's end, after look() has seen the value.
    static T take(oneshot_block* block) noexcept {
        T value(std::move(block->value_));
        std::destroy_at(std::addressof(block->value_));
        finish(block, oneshot_end::receiver, block->state_.leave_receiver(true));
        return value;
    }

    oneshot_view look() const noexcept { return state_.look(); }
    bool is_closed() const noexcept { return state_.is_closed(); }

    void close() noexcept {
        if (state_.close()) slot(oneshot_end::sender).wake();
    }

    /// True: the waker is woken when the other end goes. False: it is gone.
    bool wait(oneshot_end end, const Waker& waker) noexcept {
        Waker& own = slot(end);
        if (state_.is_waker_published(end)) {
            if (own.will_wake(waker)) return true;
            if (!state_.withdraw_waker(end)) return false;
        }
        own = waker;
        if (state_.publish_waker(end)) return true;
        own = Waker();
        return false;
    }

private:
    ~oneshot_block() {}

    // Inlined, as leave() is: most ends have none of it to do.
    [[gnu::always_inline]] static void finish(oneshot_block* block, oneshot_end end,
                                              const oneshot_leave& todo) noexcept {
        if (todo.wake_other) {
            block->slot(end == oneshot_end::sender ? oneshot_end::receiver : oneshot_end::sender).wake();
        }
        if (todo.empty_slot) block->slot(end) = Waker();
        if (todo.must_finish ? block->state_.finish(end) : todo.free_block) delete block;
    }

    Waker& slot(oneshot_end end) noexcept { return end == oneshot_end::sender ? sender_slot_ : receiver_slot_; }

    oneshot_state<Sync> state_;
    Waker sender_slot_;
    Waker receiver_slot_;
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
        if (block_ != nullptr && !block_->is_closed() && block_->wait(detail::oneshot_end::sender, cx.waker())) {
            return pending;
        }
        if (!cx.consume_budget()) return pending;
        return polled<>::ready();
    }

private:
    friend class sender<T>;
    using block = detail::oneshot_block<T, waker, detail::std_sync>;

    explicit closed_future(block* shared) noexcept : block_(shared) {}

    block* block_;  // null: ready at once
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

    polled<T, disconnected> poll(context& cx) noexcept {
        detail::debug_check(
            !is_over_, "pollux: oneshot: the receiver was polled after it was ready; poll a future to its end once");
        if (block_ == nullptr) return std::unexpected(disconnected());
        auto view = block_->look();
        if (view == detail::oneshot_view::empty) {
            if (block_->wait(detail::oneshot_end::receiver, cx.waker())) return pending;
            view = block_->look();
        }
        if (!cx.consume_budget()) return pending;
        is_over_ = true;
        if (view == detail::oneshot_view::value) {
            return polled<T, disconnected>::ready(block::take(std::exchange(block_, nullptr)));
        }
        block::drop_receiver(std::exchange(block_, nullptr));
        return std::unexpected(disconnected());
    }

    /// The value, if it has come; never waits. Empty also once it was taken, or will never come.
    std::optional<T> try_recv() noexcept {
        if (block_ == nullptr || block_->look() != detail::oneshot_view::value) return std::nullopt;
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
