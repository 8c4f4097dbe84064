// SPDX-License-Identifier: MIT
// `or_else`: on to another future when the first has failed.
#pragma once

#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class F, class Fn>
class [[nodiscard]] or_else_future {
    using next_future = called_future<Fn, error_type_of<F>>;

public:
    using value_type = met<value_type_of<F>, value_type_of<next_future>>;
    using error_type = error_type_of<next_future>;

    or_else_future(F fut, Fn fn) : fn_(std::move(fn)), stages_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        if (stages_.is_first()) {
            auto first = stages_.first().poll(cx);
            if (first.is_pending()) return pending;
            if (first.has_value()) return pass_value<polled<value_type, error_type>>(first);
            stages_.advance([&]() -> next_future { return call_future<error_type_of<F>>(fn_, first.error()); });
        }
        return stages_.second().poll(cx);
    }

private:
    [[no_unique_address]] Fn fn_;  // above the future that may point into it, so destroyed after it
    stages<F, next_future> stages_;
};

}  // namespace detail

/// When `x` has failed, calls `fn` with the error and goes on into the future, or the `std::expected`, that it
/// returns; a value of `x` passes. `x` is destroyed before `fn` is called.
///
/// Throws: what `fn` throws, out of the poll.
/// Threads: `fn` runs in the poll. It is destroyed with the result of `or_else`, after the future that it returned.
template <class X, class Fn>
auto or_else(X&& x, Fn fn) {
    static_assert(
        future<X>,
        "pollux: or_else: the first argument is not a future; it needs value_type, error_type and poll(context&)");
    if constexpr (!future<X>) {
        detail::require_future<X>();
    } else {
        using error = detail::error_type_of<X>;
        static_assert(!stream<X>,
                      "pollux: or_else: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(
            detail::callable_with<Fn, error>,
            "pollux: or_else: the callable does not take the error; it is called with the error_type as an rvalue (a "
            "future that cannot fail has the error_type never)");
        if constexpr (detail::callable_with<Fn, error>) {
            using result = detail::call_result<Fn, error>;
            static_assert(
                detail::is_future_or_expected<result>,
                "pollux: or_else: the callable returns neither a future nor a std::expected; wrap a plain value in "
                "ready(v)");
            if constexpr (detail::is_future_or_expected<result>) {
                constexpr bool meet =
                    detail::can_meet<detail::value_type_of<X>, detail::value_type_of<detail::called_future<Fn, error>>>;
                static_assert(meet, "pollux: or_else: the two value types differ; make them one with map");
                if constexpr (meet) {
                    return detail::or_else_future<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
                }
            }
        }
    }
}

namespace detail {

struct or_else_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::or_else(std::forward<X>(x), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::or_else_op, Fn> or_else(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0
