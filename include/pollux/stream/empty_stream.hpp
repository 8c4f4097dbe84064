// SPDX-License-Identifier: MIT
// `empty_stream`: a stream that is at its end from the start.
#pragma once

#include <optional>
#include <type_traits>

#include "pollux/core/concepts.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class T, class E>
class [[nodiscard]] ended_stream {
public:
    using value_type = T;
    using error_type = E;

    constexpr polled<std::optional<T>, E> poll_next(context&) noexcept { return polled<std::optional<T>, E>::ready(); }
};

}  // namespace detail

/// A stream of no items, at its end at every poll. Cost: nothing.
template <class T, class E = never>
constexpr detail::ended_stream<T, E> empty_stream() noexcept {
    static_assert(std::is_object_v<T>, "pollux: empty_stream: the item is not an object; use unit instead of void");
    return {};
}

}  // namespace pollux::inline v0
