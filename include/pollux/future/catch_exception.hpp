// SPDX-License-Identifier: MIT
// `catch_exception`: an exception that comes out of a poll becomes the future's error. It takes streams too: its class
// for them stands in pollux/stream/catch_exception.hpp.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class F>
class [[nodiscard]] catch_exception_future {
public:
    using value_type = outcome_of<F>;
    using error_type = std::exception_ptr;

    constexpr explicit catch_exception_future(F fut) : fut_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        using answer = polled<value_type, error_type>;
        try {
            auto inner = fut_.poll(cx);
            if (inner.is_pending()) return pending;
            if constexpr (std::is_void_v<value_type>) {
                return answer::ready();
            } else {
                return answer::ready(inner.take());
            }
        } catch (...) {
            return answer::failed(std::current_exception());
        }
    }

private:
    [[no_unique_address]] F fut_;
};

template <class S>
class catch_exception_stream;

}  // namespace detail

/// A future whose value is the outcome of `x`, and whose error is the exception that a poll of `x` threw. A stream whose
/// items are the outcomes of the items of `x` (so its errors are items, too), and whose one error is such an exception:
/// the stream is at its end after it, and `x` is not polled any more, but kept until the result is destroyed.
///
/// Errors: `std::exception_ptr`.
/// Cancel: dropping it destroys `x`; it holds no item of a stream.
template <class X>
auto catch_exception(X&& x) {
    static_assert(
        future<X> || stream<X>,
        "pollux: catch_exception: the argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: catch_exception: the argument is both a future and a stream; wrap the one that is meant");
    if constexpr (stream<X>) {
        return detail::catch_exception_stream<detail::owned<X>>(detail::own(std::forward<X>(x)));
    } else if constexpr (future<X>) {
        return detail::catch_exception_future<detail::owned<X>>(detail::own(std::forward<X>(x)));
    } else {
        detail::require_future<X>();
    }
}

namespace detail {

struct catch_exception_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::catch_exception(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::catch_exception_op> catch_exception() noexcept { return {}; }

}  // namespace pollux::inline v0
