// SPDX-License-Identifier: MIT
// How two value or error types become one, and how an answer of the one becomes an answer of the other. Two types
// meet if they are the same or one of them is `never`; there is no conversion.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/polled.hpp"

namespace pollux::inline v0::detail {

template <class A, class B>
inline constexpr bool can_meet = std::is_same_v<A, B> || std::is_same_v<A, never> || std::is_same_v<B, never>;

template <class A, class B>
using met = std::conditional_t<std::is_same_v<A, never>, B, A>;

// Of any number: the first that is not `never`.
template <class... Ts>
struct met_of {
    using type = never;
};
template <class T, class... Rest>
struct met_of<T, Rest...> {
    using type = T;
};
template <class... Rest>
struct met_of<never, Rest...> : met_of<Rest...> {};

template <class... Ts>
using met_all = typename met_of<Ts...>::type;
template <class... Ts>
inline constexpr bool can_all_meet = (can_meet<Ts, met_all<Ts...>> && ...);

/// The value of `from` as a `To`, whose value type it has met. Only if `from` has a value.
template <class To, class T, class E>
constexpr To pass_value(polled<T, E>& from) {
    if constexpr (std::is_same_v<T, never>) {
        std::unreachable();
    } else {
        return To::ready(std::move(from.value()));
    }
}

/// The error of `from` as a `To`, whose error type it has met. Only if `from` has an error.
template <class To, class T, class E>
constexpr To pass_error(polled<T, E>& from) {
    if constexpr (std::is_same_v<E, never>) {
        std::unreachable();
    } else {
        return To::failed(std::move(from.error()));
    }
}

/// The value of `from` as an item of `To`, the answer of a stream. Only if `from` has a value.
template <class To, class T, class E>
constexpr To pass_item(polled<T, E>& from) {
    if constexpr (std::is_same_v<T, never>) {
        std::unreachable();
    } else {
        return To::ready(std::in_place, std::move(from.value()));
    }
}

}  // namespace pollux::inline v0::detail
