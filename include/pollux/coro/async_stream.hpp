// SPDX-License-Identifier: MIT
// async_stream<T, E>: a stream written as a coroutine. Here are the type and its promise; what may stand behind co_await is in
// awaitable.hpp, as for a task.
//
// The stream owns its frame, which is always the root of a unit below a plain poll. co_yield leaves the item with that poll and suspends
// the frame as a leaf that is not ready does, so it has no machinery of its own: poll_next() finds an item or finds none.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <expected>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/coro/awaitable.hpp"
#include "pollux/coro/frame.hpp"

namespace pollux::inline v0 {

template <class T, class E = never>
class async_stream;

namespace detail {

// The item is with the poll already: the next one goes on behind co_yield.
class yield_awaiter : suspension_point {
public:
    explicit yield_awaiter(promise_base& promise) noexcept : suspension_point{&go_on, nullptr}, promise_(promise) {}
    yield_awaiter(const yield_awaiter&) = delete;
    yield_awaiter& operator=(const yield_awaiter&) = delete;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
        this->frame = waiting.address();
        suspend_unit(promise_, *this);
    }
    void await_resume() const noexcept {}

private:
    promise_base& promise_;
};

template <class T, class E>
struct async_stream_promise final : promise_base {
    // What a poll takes away. Empty: nothing has been yielded, or the end.
    using item = result<std::optional<T>, E>;

    async_stream_promise() noexcept {}  // NOLINT: see promise_base

    async_stream<T, E> get_return_object() noexcept;
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept {
        if (slot == nullptr) refuse_exception_of_destructor();
        to().set_exception(std::current_exception());
    }
    void return_void() const noexcept {}

    template <class U = T>
        requires(std::is_same_v<std::remove_cvref_t<U>, T> ||
                 (!is_own_error<std::remove_cvref_t<U>, E> && std::is_convertible_v<U, T>))
    yield_awaiter yield_value(U&& value) {
        to().set_value(std::in_place, std::forward<U>(value));
        return yield_awaiter(*this);
    }
    template <class G>
        requires error_for<G, T, E>
    yield_awaiter yield_value(std::unexpected<G> error) {
        to().set_error(std::move(error).error());
        return yield_awaiter(*this);
    }

    template <class A>
    [[gnu::always_inline]] decltype(auto) await_transform(A&& awaitable) {
        return detail::make_awaiter(std::forward<A>(awaitable), *this);
    }

    // For try_: the error that ends this coroutine.
    using error_type = E;
    template <class G>
    void end_with(G&& error) {
        to().set_error(std::forward<G>(error));
    }
    item& to() noexcept { return *static_cast<item*>(slot); }

    // No header in front of it, as a task's frame has: a stream is polled where it is.
    static void* operator new(std::size_t bytes) { return take_block(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept { give_block(frame, bytes); }
};

}  // namespace detail

/// A stream written as a coroutine: `co_yield v;` is an item, `co_yield std::unexpected(e);` an error item, and the end of the body, or
/// `co_return;`, the end. Nothing runs before the first poll, and nothing between an item and the next poll. `co_await` takes
/// any future, as in a `task`; `co_await try_(x)` yields an error of `x`, then ends the stream. It may be moved at any time; ended or
/// moved from, it is at its end.
///
/// g++ 12.2 destroys an aggregate temporary in a `co_yield` expression twice, `co_yield {1, text};` too, as in one with `co_await`, and
/// refuses one made from an initializer list ("array used as initializer"). Name the item first: `message item{1, text};
/// co_yield std::move(item);`.
///
/// Throws: std::bad_alloc where the coroutine is called. An exception that leaves the body comes out of the poll; the stream is at its end
/// then.
/// Threads: polled by one at a time; it may move between threads while it is suspended.
/// Cancel: dropping a pending `next` loses nothing. Destroying the stream destroys its frames, the innermost first.
/// Cost: one block for the frame. An item costs a poll of a coroutine that somebody else polls, and no budget: whoever loops over the
/// items pays.
template <class T, class E>
class [[nodiscard]] async_stream {
    static_assert(std::is_object_v<T> && std::is_object_v<E>,
                  "pollux: async_stream<T, E>: T and E are objects; use unit for void, a pointer for a reference");

public:
    using value_type = T;
    using error_type = E;
    using promise_type = detail::async_stream_promise<T, E>;

    async_stream(async_stream&& other) noexcept
        : frame_(std::exchange(other.frame_, nullptr)), is_started_(other.is_started_) {}
    async_stream& operator=(async_stream&& other) noexcept {
        if (this != &other) {
            drop();
            frame_ = std::exchange(other.frame_, nullptr);
            is_started_ = other.is_started_;
        }
        return *this;
    }
    ~async_stream() { drop(); }

    polled<std::optional<T>, E> poll_next(context& cx) {
        if (!frame_) return polled<std::optional<T>, E>::ready();
        typename promise_type::item item;
        promise_type& promise = frame_.promise();
        if (!is_started_) {
            promise.up = detail::up_to(nullptr, detail::frame_kind::polled);
            promise.innermost = nullptr;
            is_started_ = true;
        }
        promise.slot = &item;
        const bool has_ended = detail::poll_in_place(promise, cx) != detail::poll_end::pending;
        if (has_ended) frame_ = nullptr;
        if (item.state() != detail::result_state::empty) return item.take_polled();
        if (has_ended) return polled<std::optional<T>, E>::ready();
        return pending;
    }

private:
    friend promise_type;

    explicit async_stream(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    void drop() noexcept {
        if (!frame_) return;
        if (is_started_)
            detail::destroy_unit(frame_.promise());
        else
            frame_.destroy();
    }

    std::coroutine_handle<promise_type> frame_;  // null: at its end
    bool is_started_ = false;
};

template <class T, class E>
async_stream<T, E> detail::async_stream_promise<T, E>::get_return_object() noexcept {
    return async_stream<T, E>(std::coroutine_handle<async_stream_promise>::from_promise(*this));
}

}  // namespace pollux::inline v0
