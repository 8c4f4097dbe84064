// SPDX-License-Identifier: MIT
// `then`: on to another future whatever the first ended with. It takes streams too: its class for them stands in
// pollux/stream/then.hpp.
#pragma once

#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class F, class Fn>
class [[nodiscard]] then_future {
    using next_future = called_future<Fn, outcome_of<F>>;

public:
    using value_type = value_type_of<next_future>;
    using error_type = error_type_of<next_future>;

    then_future(F fut, Fn fn) : fn_(std::move(fn)), stages_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        if (stages_.is_first()) {
            auto first = stages_.first().poll(cx);
            if (first.is_pending()) return pending;
            stages_.advance([&]() -> next_future {
                if constexpr (std::is_void_v<outcome_of<F>>) {
                    return detail::call_future<void>(fn_, first.value());
                } else {
                    auto result = first.take();
                    return detail::call_future<outcome_of<F>>(fn_, result);
                }
            });
        }
        return stages_.second().poll(cx);
    }

private:
    [[no_unique_address]] Fn fn_;  // above the future that may point into it, so destroyed after it
    stages_for<F, next_future> stages_;
};

template <class S, class Fn>
class then_stream;

}  // namespace detail

/// When `x` has ended, calls `fn` with its outcome (`T`, or `std::expected<T, E>` where it can fail; nothing for
/// `void`) and goes on into the future, or the `std::expected`, that it returns. `x` is destroyed before `fn` is
/// called; if its value is a future or a stream, which may point into `x`, with the result of `then`.
///
/// Of a stream: so for each item and for each error, one after the other, in order; the outcome of the future takes its
/// place. The end of `x` is not an outcome. `x` is kept until the result of `then` is destroyed.
///
/// Throws: what `fn` throws, out of the poll; of a stream, the next poll goes on with what comes next.
/// Threads: `fn` runs in the poll. It is destroyed with the result of `then`, after the future that it returned.
/// Cancel: dropping it destroys the future in flight, and with it the outcome that this has got.
template <class X, class Fn>
auto then(X&& x, Fn fn) {
    static_assert(
        future<X> || stream<X>,
        "pollux: then: the first argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: then: the first argument is both a future and a stream; wrap the one that is meant");
    if constexpr (!future<X> && !stream<X>) {
        detail::require_future<X>();
    } else {
        static_assert(detail::callable_with<Fn, outcome_of<X>>,
                      "pollux: then: the callable does not take the outcome; it is called with value_type, or with "
                      "std::expected<value_type, error_type> if the future can fail, with nothing if that is void");
        if constexpr (detail::callable_with<Fn, outcome_of<X>>) {
            using result = detail::call_result<Fn, outcome_of<X>>;
            static_assert(
                detail::is_future_or_expected<result>,
                "pollux: then: the callable returns neither a future nor a std::expected; wrap a plain value in "
                "ready(v)");
            if constexpr (detail::is_future_or_expected<result>) {
                if constexpr (stream<X>) {
                    return detail::then_stream<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
                } else {
                    return detail::then_future<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
                }
            }
        }
    }
}

namespace detail {

struct then_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::then(std::forward<X>(x), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::then_op, Fn> then(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0
