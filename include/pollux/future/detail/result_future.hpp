// SPDX-License-Identifier: MIT
// The future that is ready already, and how what a callable returned becomes a future: a future as it is, a
// std::expected as one that may fail, any other value as one that cannot.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"

namespace pollux::inline v0::detail {

template <class T, class E>
class [[nodiscard]] result_future {
public:
    using value_type = T;
    using error_type = E;

    // An exact one: whether this future itself becomes a polled of std::any, which takes what can be copied, is not to be asked when it
    // is copied.
    template <std::same_as<polled<T, E>> Answer>
    constexpr explicit result_future(Answer result) : result_(std::move(result)) {}

    constexpr polled<T, E> poll(context&) {
        debug_check(result_.is_ready(), "pollux: ready: polled after it was ready; destroy a future once it is ready");
        polled<T, E> answer = std::move(result_);
        result_ = pending;
        return answer;
    }

private:
    polled<T, E> result_;  // pending: it has been handed out
};

template <class R>
struct future_for {
    using type = result_future<std::remove_cvref_t<R>, never>;
};
template <class R>
    requires future<R>
struct future_for<R> {
    using type = std::remove_cvref_t<R>;
};
template <class R>
    requires is_expected<std::remove_cvref_t<R>>
struct future_for<R> {
    using type =
        result_future<typename std::remove_cvref_t<R>::value_type, typename std::remove_cvref_t<R>::error_type>;
};
template <>
struct future_for<void> {
    using type = result_future<void, never>;
};

template <class R>
inline constexpr bool is_future_or_expected = future<R> || is_expected<std::remove_cvref_t<R>>;

/// The future behind what `fn` returns for a `T`.
template <class Fn, class T>
using called_future = typename future_for<call_result<Fn, T>>::type;

/// Calls `fn` and gives that future: not moved, so it need not be movable.
template <class T, class Fn>
constexpr called_future<Fn, T> call_future(Fn& fn, or_unit<T>& value) {
    using R = call_result<Fn, T>;
    using F = called_future<Fn, T>;
    if constexpr (future<R>) {
        return detail::call_with<T>(fn, value);
    } else if constexpr (std::is_void_v<R>) {
        detail::call_with<T>(fn, value);
        return F(polled<void>::ready());
    } else if constexpr (is_expected<std::remove_cvref_t<R>>) {
        return F(answer_of(std::remove_cvref_t<R>(detail::call_with<T>(fn, value))));
    } else {
        return F(polled<typename F::value_type>::ready(detail::call_with<T>(fn, value)));
    }
}

}  // namespace pollux::inline v0::detail
