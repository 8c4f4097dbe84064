// SPDX-License-Identifier: MIT
// task<T, E>: a lazy future written as a coroutine. Here are the type and its promise; what may stand behind co_await is in
// awaitable.hpp, which the promise calls.
//
// The task object owns a frame that has not been started, or one that a plain poll has started. An await, a spawn or a fork
// takes the frame over, and from then on it ends itself.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <expected>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/coro/awaitable.hpp"
#include "pollux/coro/frame.hpp"

namespace pollux::inline v0 {

template <class T = void, class E = never>
class task;

namespace detail {

// `X` is the outcome of a task<T, E>, or becomes it as where a function returns a std::expected<T, E>. A `T` that takes it comes first,
// as in there. The order of the tests matters: a `T` that takes anything must not be asked about its own outcome.
template <class X, class T, class E>
concept outcome_for = !std::is_same_v<E, never> && !std::is_same_v<X, T> &&
                      (std::is_same_v<X, std::expected<T, E>> ||
                       (!std::is_convertible_v<X, T> && std::is_convertible_v<X, std::expected<T, E>>));

// How co_return reaches the slot. A promise may not have both return_void and return_value.
template <class T, class E>
struct returns_value : promise_base {
    result<T, E>& to() noexcept { return *static_cast<result<T, E>*>(slot); }

    template <class U = T>
        requires(std::is_same_v<std::remove_cvref_t<U>, T> ||
                 (!is_own_outcome<std::remove_cvref_t<U>, T, E> && std::is_convertible_v<U, T>))
    void return_value(U&& value) {
        to().set_value(std::forward<U>(value));
    }
    template <class G>
        requires error_for<G, T, E>
    void return_value(std::unexpected<G> error) {
        to().set_error(std::move(error).error());
    }
    template <class V, class G>
        requires outcome_for<std::expected<V, G>, T, E>
    void return_value(std::expected<V, G> outcome) {
        if (outcome.has_value())
            to().set_value(*std::move(outcome));
        else
            to().set_error(std::move(outcome).error());
    }
};

template <class E>
struct returns_value<void, E> : promise_base {
    result<void, E>& to() noexcept { return *static_cast<result<void, E>*>(slot); }

    template <class G>
        requires std::is_convertible_v<G, E>
    void return_value(std::unexpected<G> error) {
        to().set_error(std::move(error).error());
    }
    void return_value(std::expected<void, E> outcome) {
        if (outcome.has_value())
            to().set_value();
        else
            to().set_error(std::move(outcome).error());
    }
};

template <>
struct returns_value<void, never> : promise_base {
    result<void, never>& to() noexcept { return *static_cast<result<void, never>*>(slot); }
    void return_void() noexcept { to().set_value(); }
};

template <class T, class E>
struct task_promise final : returns_value<T, E> {
    static_assert(
        alignof(result<T, E>) <= frame_alignment,
        "pollux: task<T, E>: an over-aligned value or error does not fit into a coroutine frame; put it behind a "
        "std::unique_ptr");

    // Room in front of the frame: its result if it is spawned, and the header.
    static constexpr std::size_t result_bytes =
        (sizeof(result<T, E>) + frame_alignment - 1) / frame_alignment * frame_alignment;
    static constexpr std::size_t room = result_bytes + sizeof(task_header);

    task_promise() noexcept {}  // NOLINT: see promise_base

    task<T, E> get_return_object() noexcept;
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept {
        if (this->slot == nullptr) refuse_exception_of_destructor();
        if (this->kind() == frame_kind::spawned) current_execution->failed = task_id{this->up >> frame_kind_bits};
        this->to().set_exception(std::current_exception());
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
    using returns_value<T, E>::to;

    static void* operator new(std::size_t bytes) { return make_frame(bytes, room); }
    static void operator delete(void* frame, std::size_t bytes) noexcept { drop_frame(frame, bytes, room); }
};

}  // namespace detail

/// A future written as a coroutine: `task<int, std::string> f() { int a = co_await try_(g()); co_return a + 1; }`.
/// Nothing runs before the first poll. `co_await` takes any future; an exception that leaves the body is rethrown to whoever
/// awaits. When the body ends in any way, its locals and parameters are destroyed before whoever awaits goes on. A
/// `task<void, E>` ends with `co_return {};`: one that falls off its end counts as a success, but the language does not
/// promise that. Captures live in the lambda, not in the coroutine: give the lambda itself to spawn, lazy or run.
///
/// Throws: std::bad_alloc where the coroutine is called.
/// Threads: polled by one at a time; it may move between threads while it is suspended.
/// Cancel: destroying it destroys its frames, the innermost first, in a loop: a chain a million deep is fine. So is one that was never
/// polled, of tasks that are parameters of each other: past 64 levels a task is destroyed right behind the one that it is a parameter of.
/// Cost: one block for the frame, and none if it is spawned; an await of a task that ends at once is a nested call.
/// Source: ending without a final suspension and nested calls instead of symmetric transfer are our own; lazy tasks with a
/// continuation as in cppcoro.
template <class T, class E>
class [[nodiscard]] task {
    static_assert(
        !std::is_reference_v<T> && !std::is_reference_v<E>,
        "pollux: task<T, E>: T and E are objects (T may be void); return a pointer or a std::reference_wrapper");

public:
    using value_type = T;
    using error_type = E;
    using promise_type = detail::task_promise<T, E>;

    task(task&& other) noexcept : frame_(std::exchange(other.frame_, 0)) {}
    task& operator=(task&& other) noexcept {
        if (this != &other) {
            drop();
            frame_ = std::exchange(other.frame_, 0);
        }
        return *this;
    }
    // Inlined wherever it is, drop(), too, or clang keeps the address of each temporary task in a register all through the coroutine (fib:
    // 5 instructions). g++ takes tasks in an optional for uninitialized then.
#if defined(__clang__)
    [[gnu::always_inline]]
#endif
    ~task() {
        drop();
    }

    polled<T, E> poll(context& cx) {
#ifndef NDEBUG
        if (frame_ == 0)
            detail::fail_check("pollux: task: polled after it was ready or moved from; poll a future to its end once");
#endif
        detail::result<T, E> slot;
        promise_type& promise = this->promise();
        if ((frame_ & started) == 0) {
            promise.up = detail::up_to(nullptr, detail::frame_kind::polled);
            promise.innermost = nullptr;
            frame_ |= started;
        }
        promise.slot = &slot;
        if (detail::poll_in_place(promise, cx) == detail::poll_end::pending) return pending;
        frame_ = 0;
        return slot.take_polled();
    }

    /// For the library: the owner of a frame that was released.
    static task adopt(void* frame) noexcept { return task(std::coroutine_handle<promise_type>::from_address(frame)); }
    /// For the library: true if a plain poll has started it, so that only further polls may go on with it.
    bool is_started() const noexcept { return (frame_ & started) != 0; }
    /// For the library: gives up a frame that was not started. The empty asm keeps the compiler from reading two freshly stored
    /// handles with one vector load, for which store forwarding fails (fib: 282 against 226 ms).
    void* release() noexcept {
        std::uintptr_t frame = std::exchange(frame_, 0);
        asm volatile("" : "+r"(frame));
        return reinterpret_cast<void*>(frame);
    }

    /// For the library: it is known to have no frame.
    [[gnu::always_inline]] void assume_released() const noexcept {
        if (frame_ != 0) __builtin_unreachable();
    }

private:
    friend promise_type;
    static constexpr std::uintptr_t started = 1;

    explicit task(std::coroutine_handle<promise_type> frame) noexcept
        : frame_(reinterpret_cast<std::uintptr_t>(frame.address())) {}

    promise_type& promise() const noexcept {
        return std::coroutine_handle<promise_type>::from_address(reinterpret_cast<void*>(frame_ & ~started)).promise();
    }
#if defined(__clang__)
    [[gnu::always_inline]]  // as its destructor
#endif
    void
    drop() noexcept {
        if (frame_ == 0) return;
        if (is_started())
            detail::destroy_unit(promise());
        else
            detail::drop_unstarted(promise());
    }

    std::uintptr_t frame_;
};

template <class T, class E>
task<T, E> detail::task_promise<T, E>::get_return_object() noexcept {
    return task<T, E>(std::coroutine_handle<task_promise>::from_promise(*this));
}

}  // namespace pollux::inline v0
