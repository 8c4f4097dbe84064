// SPDX-License-Identifier: MIT
// cancellation_token: one flag, set once, that any number of tasks and threads look at or wait for, and a tree of them. Users
// call it; it calls the wakers of those who wait. The state and the tree stand in lib/sync/cancellation_token.cpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/ring_links.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/select.hpp"

namespace pollux::inline v0 {

class cancellation_guard;

namespace detail {

class cancelled_future;
struct cancellation_node;

// The part of a token's state that is used inline.
struct cancellation_head {
    std::atomic<std::uint64_t> owners{1};  // tokens, guards and futures
    std::atomic<bool> is_cancelled{false};
};

struct POLLUX_API cancellation_ops {
    static cancellation_head* make_root();
    static cancellation_head* make_child(cancellation_head& parent);
    static void cancel(cancellation_head& head) noexcept;
    /// The last owner has gone.
    static void retire(cancellation_head& head) noexcept;
};

// Stands in a future, in the list of the node that it waits for. Links and waker are guarded by the lock of the node's tree.
class POLLUX_API cancellation_waiter : public ring_links {
public:
    /// True: `to_wake` will be woken. False: the token is cancelled. By one thread at a time.
    bool wait(cancellation_head& head, const waker& to_wake) noexcept;
    /// It stands, or has stood, in a list.
    bool has_waited() const noexcept { return has_waited_; }
    /// Waits no longer.
    void withdraw(cancellation_head& head) noexcept;

private:
    friend struct cancellation_node;

    waker waker_;
    bool has_waited_ = false;  // the waiting thread's own
};

// The value of a select between a look at the token, a future, and a cancelled().
struct second_if_any {
    template <class T>
    std::optional<T> operator()(std::variant<unit, T, unit>&& won) const {
        if (won.index() == 1) return std::optional<T>(std::in_place, std::get<1>(std::move(won)));
        return std::nullopt;
    }
};

}  // namespace detail

/// `pollux::cancellation_token`, not in `pollux::sync`. Says to whoever holds a copy that work is no longer wanted: asked for with
/// is_cancelled(), or awaited with cancelled(). Copies are one token, and dropping them cancels nothing. Once cancelled it stays
/// so. Works under any executor and without one.
///
/// Throws: std::bad_alloc where a token or a child is made; copying throws nothing.
/// Threads: any, also several at once on one object; assignment needs exclusive access.
/// Cost: one allocation a token; a copy is one relaxed read-modify-write, is_cancelled() one load. All else takes a lock that the
/// tokens of a tree share, for some instructions; wakers are called outside of it.
/// Source: a tree of tokens and their operations as in Tokio's CancellationToken.
class cancellation_token {
public:
    /// A new token that is not cancelled.
    cancellation_token() : head_(detail::cancellation_ops::make_root()) {}
    cancellation_token(const cancellation_token& other) noexcept : head_(other.head_) {
        // Relaxed: whoever copies owns a count.
        if (head_ != nullptr) head_->owners.fetch_add(1, std::memory_order::relaxed);
    }
    /// A token that was moved from can be assigned or destroyed, and nothing else.
    cancellation_token(cancellation_token&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
    cancellation_token& operator=(cancellation_token other) noexcept {
        std::swap(head_, other.head_);
        return *this;
    }
    ~cancellation_token() {
        // Release: this owner's writes; acquire: the others', before the state is freed. Partner: this line.
        if (head_ != nullptr && head_->owners.fetch_sub(1, std::memory_order::acq_rel) == 1)
            detail::cancellation_ops::retire(*head_);
    }

    /// Cancels this token, its children and theirs, and wakes all who wait for one of them. Again: nothing happens. When it returns
    /// all of them are cancelled; what was written before is visible to who sees it.
    ///
    /// Cost: no allocation; the stack does not grow with the tree. The lock is held while the descendants are marked.
    void cancel() const noexcept { detail::cancellation_ops::cancel(head()); }

    bool is_cancelled() const noexcept {
        // Acquire: pairs with the release in cancel(): what was written before it is visible.
        return head().is_cancelled.load(std::memory_order::acquire);
    }

    /// A future that is ready once the token is cancelled. It keeps the token's state, so no token need be kept for it.
    ///
    /// Cancel: dropping it loses nothing.
    /// Cost: no allocation; the waiter lives in the future. Waiting and dropping a future that waits take the lock.
    detail::cancelled_future cancelled() const noexcept;

    /// A new token that is cancelled when this one is; cancelling it leaves this one alone. It is cancelled already if this one is.
    ///
    /// Cost: one allocation, given back with the last copy though this token lives on, and the reverse; but a token is kept while two
    /// or more children that live have no other way to what they are cancelled with.
    cancellation_token child_token() const { return cancellation_token(detail::cancellation_ops::make_child(head())); }

    /// A guard that cancels this token when it is destroyed.
    cancellation_guard drop_guard() const noexcept;

    /// A future of `std::optional`: the outcome of `fut` (`unit` for void), or nothing if the token is cancelled first. If it is
    /// cancelled already at the first poll `fut` is never polled; later its outcome wins. It is destroyed before the result is given.
    ///
    /// Throws: what `fut` throws, after it was destroyed.
    /// Cancel: dropping it destroys `fut`.
    /// Cost: no allocation; it keeps two copies of the token.
    template <class F>
    auto run_until_cancelled(F&& fut) const;

private:
    explicit cancellation_token(detail::cancellation_head* head) noexcept : head_(head) {}

    friend class detail::cancelled_future;
    detail::cancellation_head& head() const noexcept {
        detail::debug_check(head_ != nullptr,
                            "pollux: cancellation_token: used after it was moved from; copy it instead");
        return *head_;
    }

    detail::cancellation_head* head_;  // null: moved from
};

/// Cancels a token when it is destroyed, unless it was disarmed. Move-only: a moved-from guard cancels nothing.
///
/// Threads: as any object, one at a time.
class [[nodiscard]] cancellation_guard {
public:
    explicit cancellation_guard(cancellation_token token) noexcept : token_(std::move(token)) {}
    cancellation_guard(cancellation_guard&& other) noexcept : token_(std::exchange(other.token_, std::nullopt)) {}
    /// Cancels the token that it had before.
    cancellation_guard& operator=(cancellation_guard&& other) noexcept {
        if (this != &other) {
            fire();
            token_ = std::exchange(other.token_, std::nullopt);
        }
        return *this;
    }
    ~cancellation_guard() { fire(); }

    /// Gives the token back; this guard cancels nothing any more. Once, and not of a guard that was moved from.
    cancellation_token disarm() noexcept {
        detail::debug_check(token_.has_value(),
                            "pollux: cancellation_guard: disarmed twice, or after it was moved from");
        return *std::exchange(token_, std::nullopt);
    }

private:
    void fire() noexcept {
        if (token_.has_value()) token_->cancel();
    }

    std::optional<cancellation_token> token_;
};

namespace detail {

class [[nodiscard]] cancelled_future {
public:
    using value_type = void;
    using error_type = never;

    explicit cancelled_future(cancellation_token token) noexcept : token_(std::move(token)) {}
    cancelled_future(cancelled_future&& other) noexcept : token_(std::move(other.token_)), is_over_(other.is_over_) {
        if (other.waiter_.has_waited()) [[unlikely]]
            fail_check(moved_in_flight);
    }
    cancelled_future& operator=(cancelled_future&&) = delete;
    ~cancelled_future() {
        if (waiter_.has_waited()) waiter_.withdraw(token_.head());
    }

    polled<> poll(context& cx) noexcept {
        debug_check(!is_over_, "pollux: cancelled: polled after it was ready; poll a future to its end once");
        if (!token_.is_cancelled() && waiter_.wait(token_.head(), cx.waker())) return pending;
        if (!cx.consume_budget()) return pending;
        is_over_ = true;
        return polled<>::ready();
    }

private:
    cancellation_token token_;
    cancellation_waiter waiter_;
    bool is_over_ = false;
};

// Looks once, at its first poll; pending it wakes nobody.
class [[nodiscard]] cancelled_before_future {
public:
    using value_type = void;
    using error_type = never;

    explicit cancelled_before_future(cancellation_token token) noexcept : token_(std::move(token)) {}

    polled<> poll(context&) noexcept {
        if (std::exchange(has_looked_, true) || !token_.is_cancelled()) return pending;
        return polled<>::ready();
    }

private:
    cancellation_token token_;
    bool has_looked_ = false;
};

}  // namespace detail

inline detail::cancelled_future cancellation_token::cancelled() const noexcept {
    return detail::cancelled_future(*this);
}

inline cancellation_guard cancellation_token::drop_guard() const noexcept { return cancellation_guard(*this); }

template <class F>
auto cancellation_token::run_until_cancelled(F&& fut) const {
    static_assert(future<F>,
                  "pollux: run_until_cancelled: the argument is not a future; it needs value_type, error_type and "
                  "poll(context&)");
    if constexpr (future<F>)
        return pollux::map(pollux::select(detail::cancelled_before_future(*this), std::forward<F>(fut), cancelled()),
                           detail::second_if_any());
    else
        detail::require_future<F>();
}

}  // namespace pollux::inline v0
