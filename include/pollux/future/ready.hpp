// SPDX-License-Identifier: MIT
// Futures that know their answer from the start: `ready`, `fail`, `from_result`, and `never_ready`, which has none.
#pragma once

#include <expected>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/result_future.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class T, class E>
class [[nodiscard]] never_ready_future {
public:
    using value_type = T;
    using error_type = E;

    constexpr polled<T, E> poll(context&) noexcept { return pending; }
};

}  // namespace detail

/// A future that gives `value` at its first poll. Cost: no allocation.
template <class T>
constexpr detail::result_future<T, never> ready(T value) {
    return detail::result_future<T, never>(polled<T>::ready(std::move(value)));
}

/// A future of nothing that succeeds at its first poll.
constexpr detail::result_future<void, never> ready() {
    return detail::result_future<void, never>(polled<void>::ready());
}

/// A future that fails with `error` at its first poll. Its value type is `never`, which meets every other; `fail<T>(e)`
/// names one where a callable has to take it.
template <class T = never, class E>
constexpr detail::result_future<T, E> fail(E error) {
    return detail::result_future<T, E>(polled<T, E>::failed(std::move(error)));
}

/// A future that gives the value or the error of `result` at its first poll.
template <class T, class E>
constexpr detail::result_future<T, E> from_result(std::expected<T, E> result) {
    return detail::result_future<T, E>(detail::answer_of(std::move(result)));
}

/// A future that stays pending and wakes nobody: for a `select` that another future decides.
template <class T = void, class E = never>
constexpr detail::never_ready_future<T, E> never_ready() noexcept {
    return {};
}

}  // namespace pollux::inline v0
