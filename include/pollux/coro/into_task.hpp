// SPDX-License-Identifier: MIT
// Futures and callables as tasks, for those who need a coroutine frame: fork_join, and spawn of a lambda that is a coroutine.
// The closure is a parameter of the frame, so captures live as long as the coroutine that the lambda returned.
#pragma once

#include <expected>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/coro/task.hpp"

namespace pollux::inline v0::detail {

template <class R>
struct called {
    using value_type = R;
    using error_type = never;
};
template <class R>
    requires future<R>
struct called<R> {
    using value_type = value_type_of<R>;
    using error_type = error_type_of<R>;
};
template <class T, class E>
struct called<std::expected<T, E>> {
    using value_type = T;
    using error_type = E;
};
template <class Fn>
using called_by = called<std::remove_cvref_t<std::invoke_result_t<Fn&>>>;

template <class F>
task<typename F::value_type, typename F::error_type> future_as_task(F fut) {
    if constexpr (std::is_void_v<outcome_of<F>>)
        co_await fut;
    else
        co_return co_await fut;
}

template <class Fn>
task<typename called_by<Fn>::value_type, typename called_by<Fn>::error_type> closure_as_task(Fn fn) {
    using R = std::invoke_result_t<Fn&>;
    if constexpr (future<R>) {
        if constexpr (std::is_void_v<outcome_of<R>>)
            co_await fn();
        else
            co_return co_await fn();
    } else if constexpr (std::is_void_v<R>) {
        fn();
        co_return;
    } else {
        co_return fn();
    }
}

/// A task that does what `work` does: a task itself, a future, or a callable without arguments.
template <class F>
auto into_task(F&& work) {
    using X = std::decay_t<F>;  // a pointer, if it is the name of a function
    static_assert(std::is_constructible_v<X, F>,
                  "pollux: fork_join or spawn takes ownership: pass std::move(x), or by_ref(x) to lend a future");
    if constexpr (is_task<X>) {
        return X(std::forward<F>(work));
    } else if constexpr (future<X>) {
        return detail::future_as_task<X>(std::forward<F>(work));
    } else {
        static_assert(std::is_invocable_v<X&>,
                      "pollux: fork_join or spawn: the argument is neither a future nor a callable "
                      "without arguments; a future needs value_type, error_type and poll(context&)");
        if constexpr (std::is_invocable_v<X&>) return detail::closure_as_task<X>(std::forward<F>(work));
    }
}

}  // namespace pollux::inline v0::detail
