// SPDX-License-Identifier: MIT
// The errors of a timeout: `timed_out` where what was waited for cannot fail, `timeout_error<E>` where it can.
#pragma once

#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/polled.hpp"

namespace pollux::inline v0 {

/// The time is over. Converts to `std::error_code` (`std::errc::timed_out`), so `try_` passes it on.
struct timed_out {
    operator std::error_code() const noexcept { return std::make_error_code(std::errc::timed_out); }
    bool operator==(const timed_out&) const = default;
};

/// The time is over, or what was waited for has failed with an `E`. Where `E` converts to `std::error_code`, so does this.
template <class E>
class timeout_error {
    static_assert(std::is_object_v<E>, "pollux: timeout_error: the error is not an object");

public:
    timeout_error(timed_out) noexcept {}
    explicit timeout_error(E inner) noexcept(std::is_nothrow_move_constructible_v<E>)
        requires(!std::is_same_v<E, timed_out>)
        : inner_(std::move(inner)) {}
    /// The inner error where its type does not tell: around a timeout it is a `timed_out` of its own.
    timeout_error(std::in_place_t, E inner) noexcept(std::is_nothrow_move_constructible_v<E>)
        : inner_(std::move(inner)) {}

    bool is_elapsed() const noexcept { return !inner_.has_value(); }
    bool is_inner() const noexcept { return inner_.has_value(); }

    /// The error of what was waited for. Only if `is_inner()`: debug builds stop with a message.
    E& inner() & noexcept {
        check();
        return *inner_;
    }
    const E& inner() const& noexcept {
        check();
        return *inner_;
    }
    E&& inner() && noexcept {
        check();
        return *std::move(inner_);
    }

    operator std::error_code() const noexcept
        requires std::is_convertible_v<const E&, std::error_code>
    {
        if (!inner_.has_value()) return timed_out();
        return *inner_;
    }

    bool operator==(const timeout_error&) const = default;

private:
    void check() const noexcept {
        detail::debug_check(is_inner(), "pollux: timeout_error::inner: the time was over; ask is_inner() first");
    }

    std::optional<E> inner_;  // empty: the time is over
};

namespace detail {

/// The error of a timeout around what fails with `E`.
template <class E>
struct timeout_error_for {
    using type = timeout_error<E>;
};
template <>
struct timeout_error_for<never> {
    using type = timed_out;
};

}  // namespace detail

}  // namespace pollux::inline v0
