// SPDX-License-Identifier: MIT
// `repeat`: copies of one value as a stream without end.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class T>
class [[nodiscard]] repeat_stream {
public:
    using value_type = T;
    using error_type = never;

    constexpr explicit repeat_stream(T value) : value_(std::move(value)) {}

    constexpr polled<std::optional<T>> poll_next(context&) {
        return polled<std::optional<T>>::ready(std::in_place, std::as_const(value_));
    }

private:
    [[no_unique_address]] T value_;
};

}  // namespace detail

/// A stream that is always ready and never ends: each item is a copy of `value`.
///
/// Throws: what the copy throws, out of the poll. Cost: no allocation of its own.
template <class T>
constexpr auto repeat(T value) {
    static_assert(std::is_copy_constructible_v<T>,
                  "pollux: repeat: the value cannot be copied; use unfold or poll_stream_fn, which make each item");
    if constexpr (std::is_copy_constructible_v<T>) return detail::repeat_stream<T>(std::move(value));
}

}  // namespace pollux::inline v0
