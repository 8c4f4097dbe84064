// SPDX-License-Identifier: MIT
// What may stand behind co_await: any future, a task, try_(x), and the awaitables of this library that are their own awaiters.
// Every promise's await_transform comes through here.
#pragma once

#include <coroutine>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/coro/await.hpp"
#include "pollux/coro/try.hpp"

namespace pollux::inline v0::detail {

// fork_join and its kin.
template <class A>
concept has_awaiter = requires(A& own) { own.into_awaiter(); };

// A future that waits in a frame in a shorter way than any future can be polled. Not what is derived from it, which has a poll of its own.
template <class F>
concept has_own_awaiter =
    requires { typename F::frame_awaiter::awaited; } && std::is_same_v<typename F::frame_awaiter::awaited, F>;

// g++ 12 copies an awaiter that await_transform returns by reference; this one is a value and refers to it.
template <class A>
class awaiter_in_place {
public:
    explicit awaiter_in_place(A& own) noexcept : own_(own) {}

    bool await_ready() const noexcept { return own_.await_ready(); }
    template <class P>
    [[gnu::always_inline]] bool await_suspend(std::coroutine_handle<P> waiting) {
        return own_.await_suspend(waiting);
    }
    decltype(auto) await_resume() { return own_.await_resume(); }

private:
    A& own_;
};

template <class A, class Promise>
[[gnu::always_inline]] inline decltype(auto) make_awaiter(A&& awaitable, Promise& promise) {
    using X = std::remove_reference_t<A>;
    if constexpr (has_awaiter<X>) {
        if constexpr (std::is_reference_v<decltype(awaitable.into_awaiter())>) {
            return awaiter_in_place<X>(awaitable);
        } else {
            // It refers to the arguments, which are gone when that expression is over.
            static_assert(
                !std::is_lvalue_reference_v<A>,
                "pollux: co_await: a fork_join is awaited in the expression that makes it; it cannot be kept");
            return awaitable.into_awaiter();
        }
    } else if constexpr (is_try_awaitable<std::remove_cvref_t<A>>) {
        return make_try_awaiter(awaitable, promise);
    } else {
        static_assert(future<A>,
                      "pollux: co_await: the operand is not a future; it needs value_type, error_type and "
                      "poll(context&) returning polled<value_type, error_type>");
        require_future<A>();
        static_assert(!std::is_const_v<X>, "pollux: co_await: a const future cannot be polled; await a non-const one");
        refuse_over_aligned<A>();
        if constexpr (is_task<X>)
            return task_awaiter<typename X::value_type, typename X::error_type>(awaitable, promise);
        else if constexpr (has_own_awaiter<X>)
            return typename X::frame_awaiter(awaitable, promise);
        else
            return future_awaiter<X>(awaitable, promise);
    }
}

}  // namespace pollux::inline v0::detail
