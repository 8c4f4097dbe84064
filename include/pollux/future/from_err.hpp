// SPDX-License-Identifier: MIT
// `from_err`: the error as another type that it converts to. It takes streams too: its class for them stands in
// pollux/stream/from_err.hpp.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"

namespace pollux::inline v0 {

namespace detail {

/// The error of `from` as that of a `To`. Only if `from` has an error.
template <class To, class T, class E>
constexpr To convert_error(polled<T, E>& from) {
    if constexpr (std::is_same_v<E, never>) {
        std::unreachable();
    } else {
        return To::failed(static_cast<typename To::error_type>(std::move(from.error())));
    }
}

template <class F, class E>
class [[nodiscard]] from_err_future {
public:
    using value_type = value_type_of<F>;
    using error_type = E;

    constexpr explicit from_err_future(F fut) : fut_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        using answer = polled<value_type, error_type>;
        auto inner = fut_.poll(cx);
        if (inner.is_pending()) return pending;
        if (inner.has_error()) return convert_error<answer>(inner);
        return pass_value<answer>(inner);
    }

private:
    [[no_unique_address]] F fut_;
};

template <class S, class E>
class from_err_stream;

}  // namespace detail

/// `from_err<E>(x)`: turns the error of a future, or each error of a stream, into an `E`, by an implicit conversion;
/// values pass. What cannot fail gets the error type `E`.
///
/// Throws: what the conversion throws, out of the poll.
/// Cancel: dropping it destroys `x`; it holds no item of a stream.
template <class E, class X>
auto from_err(X&& x) {
    static_assert(future<X> || stream<X>,
                  "pollux: from_err: the argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: from_err: the argument is both a future and a stream; wrap the one that is meant");
    if constexpr (!future<X> && !stream<X>) {
        detail::require_future<X>();
    } else {
        using error = detail::error_type_of<X>;
        constexpr bool converts = std::is_same_v<error, never> || std::is_convertible_v<error, E>;
        static_assert(converts, "pollux: from_err: the error does not convert to the type that is named; use map_err");
        if constexpr (!converts) {
            return;
        } else if constexpr (stream<X>) {
            return detail::from_err_stream<detail::owned<X>, E>(detail::own(std::forward<X>(x)));
        } else {
            return detail::from_err_future<detail::owned<X>, E>(detail::own(std::forward<X>(x)));
        }
    }
}

namespace detail {

template <class E>
struct from_err_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::from_err<E>(std::forward<X>(x));
    }
};

}  // namespace detail

template <class E>
constexpr detail::bare_pipe<detail::from_err_op<E>> from_err() noexcept {
    return {};
}

}  // namespace pollux::inline v0
