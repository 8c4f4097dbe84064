// SPDX-License-Identifier: MIT
// `or_else`: on to another future when the first has failed. It takes streams too: its class for them stands in
// pollux/stream/or_else.hpp.
#pragma once

#include <type_traits>
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
            if (first.has_value()) {
                stages_.end_first();
                return pass_value<polled<value_type, error_type>>(first);
            }
            stages_.advance([&]() -> next_future { return detail::call_future<error_type_of<F>>(fn_, first.error()); });
        }
        return stages_.second().poll(cx);
    }

private:
    [[no_unique_address]] Fn fn_;  // above the future that may point into it, so destroyed after it
    stages_for<F, next_future> stages_;
};

template <class S, class Fn>
class or_else_stream;

}  // namespace detail

/// When `x` has failed, calls `fn` with the error and goes on into the future, or the `std::expected`, that it
/// returns; a value of `x` passes. `x` is destroyed before `fn` is called; if its value is a future or a stream,
/// which may point into `x`, with the result of `or_else`.
///
/// Of a stream: so for each error, one after the other, in order; the outcome of the future takes its place, as an item
/// or as an error. Items of `x` pass. `x` is kept until the result of `or_else` is destroyed.
///
/// Throws: what `fn` throws, out of the poll; of a stream, the next poll goes on with what comes next.
/// Threads: `fn` runs in the poll. It is destroyed with the result of `or_else`, after the future that it returned.
/// Cancel: dropping it destroys the future in flight, and with it the error that this has got.
template <class X, class Fn>
auto or_else(X&& x, Fn fn) {
    static_assert(
        future<X> || stream<X>,
        "pollux: or_else: the first argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: or_else: the first argument is both a future and a stream; wrap the one that is meant");
    if constexpr (!future<X> && !stream<X>) {
        detail::require_future<X>();
    } else {
        using error = detail::error_type_of<X>;
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
                // An item is an object: nothing for `void` is a unit there.
                using other = detail::value_type_of<detail::called_future<Fn, error>>;
                constexpr bool meet = detail::can_meet<detail::value_type_of<X>,
                                                       std::conditional_t<stream<X>, detail::or_unit<other>, other>>;
                static_assert(meet, "pollux: or_else: the two value types differ; make them one with map");
                if constexpr (!meet) {
                    return;
                } else if constexpr (stream<X>) {
                    return detail::or_else_stream<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
                } else {
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
