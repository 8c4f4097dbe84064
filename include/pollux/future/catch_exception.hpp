// SPDX-License-Identifier: MIT
// `catch_exception`: an exception that comes out of a poll becomes the future's error.
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

}  // namespace detail

/// A future whose value is the outcome of `x`, and whose error is the exception that a poll of `x` threw.
template <class X>
auto catch_exception(X&& x) {
    static_assert(
        future<X>,
        "pollux: catch_exception: the argument is not a future; it needs value_type, error_type and poll(context&)");
    if constexpr (!future<X>) {
        detail::require_future<X>();
    } else {
        static_assert(
            !stream<X>,
            "pollux: catch_exception: the argument is both a future and a stream; wrap the one that is meant");
        return detail::catch_exception_future<detail::owned<X>>(detail::own(std::forward<X>(x)));
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
