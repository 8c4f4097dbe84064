// SPDX-License-Identifier: MIT
// `and_then`: on to another future when the first has a value. It takes streams too: its class for them stands in
// pollux/stream/and_then.hpp.
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
class [[nodiscard]] and_then_future {
    using next_future = called_future<Fn, value_type_of<F>>;

public:
    using value_type = value_type_of<next_future>;
    using error_type = met<error_type_of<F>, error_type_of<next_future>>;

    and_then_future(F fut, Fn fn) : fn_(std::move(fn)), stages_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        if (stages_.is_first()) {
            auto first = stages_.first().poll(cx);
            if (first.is_pending()) return pending;
            if (first.has_error()) {
                stages_.reset();
                return pass_error<polled<value_type, error_type>>(first);
            }
            stages_.advance([&]() -> next_future { return detail::call_future<value_type_of<F>>(fn_, first.value()); });
        }
        return stages_.second().poll(cx);
    }

private:
    [[no_unique_address]] Fn fn_;  // above the future that may point into it, so destroyed after it
    stages_for<F, next_future> stages_;
};

template <class S, class Fn>
class and_then_stream;

}  // namespace detail

/// When `x` has a value, calls `fn` with it (nothing for `void`) and goes on into the future, or the `std::expected`,
/// that it returns; an error of `x` passes. `x` is destroyed before `fn` is called; if its value is a future or a stream,
/// which may point into `x`, with the result of `and_then`.
///
/// Of a stream: so for each item, one after the other, in order; the outcome of the future is the item, or one error of
/// the stream, which goes on. Errors of `x` pass. `x` is kept until the result of `and_then` is destroyed.
///
/// Throws: what `fn` throws, out of the poll; of a stream, the next poll goes on with the next item.
/// Threads: `fn` runs in the poll. It is destroyed with the result of `and_then`, after the future that it returned.
/// Cancel: dropping it destroys the future in flight, and with it the item that this has got.
template <class X, class Fn>
auto and_then(X&& x, Fn fn) {
    static_assert(
        future<X> || stream<X>,
        "pollux: and_then: the first argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: and_then: the first argument is both a future and a stream; wrap the one that is meant");
    if constexpr (!future<X> && !stream<X>) {
        detail::require_future<X>();
    } else {
        using value = detail::value_type_of<X>;
        static_assert(
            detail::callable_with<Fn, value>,
            "pollux: and_then: the callable does not take the value; it is called with the value_type as an rvalue, "
            "with nothing if that is void (a future made by fail(e) has the value_type never: name another, "
            "fail<T>(e))");
        if constexpr (detail::callable_with<Fn, value>) {
            using result = detail::call_result<Fn, value>;
            static_assert(detail::is_future_or_expected<result>,
                          "pollux: and_then: the callable returns neither a future nor a std::expected; use map for a "
                          "plain value");
            if constexpr (detail::is_future_or_expected<result>) {
                constexpr bool meet =
                    detail::can_meet<detail::error_type_of<X>, detail::error_type_of<detail::called_future<Fn, value>>>;
                static_assert(meet,
                              "pollux: and_then: the two error types differ; make them one with map_err or from_err");
                if constexpr (!meet) {
                    return;
                } else if constexpr (stream<X>) {
                    return detail::and_then_stream<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)),
                                                                         std::move(fn));
                } else {
                    return detail::and_then_future<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)),
                                                                         std::move(fn));
                }
            }
        }
    }
}

namespace detail {

struct and_then_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::and_then(std::forward<X>(x), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::and_then_op, Fn> and_then(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0
