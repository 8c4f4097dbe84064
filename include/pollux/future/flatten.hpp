// SPDX-License-Identifier: MIT
// `flatten`: on into the future that a future gives. It takes streams of streams too: its class for them stands in
// pollux/stream/flatten.hpp.
#pragma once

#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class F>
class [[nodiscard]] flatten_future {
    using inner = value_type_of<F>;

public:
    using value_type = value_type_of<inner>;
    using error_type = met<error_type_of<F>, error_type_of<inner>>;

    explicit flatten_future(F fut) : stages_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        if (stages_.is_first()) {
            auto first = stages_.first().poll(cx);
            if (first.is_pending()) return pending;
            if (first.has_error()) {
                stages_.reset();
                return pass_error<polled<value_type, error_type>>(first);
            }
            stages_.advance([&]() -> inner&& { return std::move(first.value()); });
        }
        return stages_.second().poll(cx);
    }

private:
    kept_stages<F, inner> stages_;
};

template <class S>
class flatten_stream;

}  // namespace detail

/// Of a future whose value is a future: goes on into that one, which may point into the first, as a coroutine does that a lambda given
/// to `map` has made; so the first is kept, and destroyed after it. Of a stream whose items are streams: all items of the first inner
/// stream, then those of the second, and so on; an inner stream is destroyed at its end. An error of either is handed on, and ends a
/// stream as little as anywhere.
///
/// Throws: what the polls throw. An inner stream that threw is destroyed, and the next poll goes on to the next.
/// Cancel: dropping it destroys the inner one, then the outer.
/// Cost: no allocation; one unit of the poll's budget for each inner stream that has ended.
template <class X>
auto flatten(X&& x) {
    static_assert(future<X> || stream<X>,
                  "pollux: flatten: the argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: flatten: the argument is both a future and a stream; wrap the one that is meant");
    if constexpr (!future<X> && !stream<X>) {
        detail::require_future<X>();
    } else {
        using inner = detail::value_type_of<X>;
        constexpr bool fits = stream<X> ? stream<inner> : future<inner>;
        static_assert(!stream<X> || fits,
                      "pollux: flatten: the items of the stream are not streams; map them to streams first (buffered "
                      "takes a stream of futures)");
        static_assert(stream<X> || fits,
                      "pollux: flatten: the value of the future is not a future; map it to one first (flatten_stream "
                      "takes a future of a stream)");
        if constexpr (fits) {
            static_assert(!(future<inner> && stream<inner>),
                          "pollux: flatten: the inner type is both a future and a stream; wrap the one that is meant");
            constexpr bool meet = detail::can_meet<detail::error_type_of<X>, detail::error_type_of<inner>>;
            static_assert(meet,
                          "pollux: flatten: the outer and the inner error type differ; make them one with map_err or "
                          "from_err");
            if constexpr (!meet) {
                return;
            } else if constexpr (stream<X>) {
                return detail::flatten_stream<detail::owned<X>>(detail::own(std::forward<X>(x)));
            } else {
                return detail::flatten_future<detail::owned<X>>(detail::own(std::forward<X>(x)));
            }
        }
    }
}

namespace detail {

struct flatten_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::flatten(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::flatten_op> flatten() noexcept { return {}; }

}  // namespace pollux::inline v0
