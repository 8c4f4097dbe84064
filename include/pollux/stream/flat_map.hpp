// SPDX-License-Identifier: MIT
// `flat_map`: a stream for each item of a stream, one after the other. It is `flatten` over `map`.
#pragma once

#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/stream/flatten.hpp"
#include "pollux/stream/map.hpp"

namespace pollux::inline v0 {

/// Calls `fn` with each item of `source`, moved in, and gives the items of the stream that it returns to its end; then
/// that stream is destroyed, and the next item of `source` has its turn. Errors of both pass and end nothing.
///
/// Throws: what `fn` and the streams throw, out of the poll. A stream that threw is destroyed, and the next item follows.
/// Threads: `fn` runs in the poll. It is destroyed with the result of `flat_map`, after the stream that it returned.
/// Cancel: dropping it destroys the stream that `fn` returned, then `source`.
/// Cost: no allocation; one unit of the poll's budget for each stream that has ended.
template <class X, class Fn>
auto flat_map(X&& source, Fn fn) {
    static_assert(stream<X>,
                  "pollux: flat_map: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using value = detail::value_type_of<X>;
        static_assert(!future<X>,
                      "pollux: flat_map: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(
            detail::callable_with<Fn, value>,
            "pollux: flat_map: the callable does not take the item; it is called with the value_type as an rvalue");
        if constexpr (detail::callable_with<Fn, value>) {
            using inner = detail::call_result<Fn, value>;
            static_assert(stream<inner>,
                          "pollux: flat_map: the callable returns no stream; use map for a value, then and buffered "
                          "for a future");
            if constexpr (stream<inner>) {
                static_assert(
                    !future<inner>,
                    "pollux: flat_map: the callable returns a future that is a stream too; wrap the one that is meant");
                constexpr bool meet = detail::can_meet<detail::error_type_of<X>, detail::error_type_of<inner>>;
                static_assert(meet,
                              "pollux: flat_map: the error types of the stream and of the callable's stream differ; "
                              "make them one with map_err or from_err");
                if constexpr (meet) {
                    using mapped = detail::map_stream<detail::owned<X>, Fn>;
                    return detail::flatten_stream<mapped>(mapped(detail::own(std::forward<X>(source)), std::move(fn)));
                }
            }
        }
    }
}

namespace detail {

struct flat_map_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::flat_map(std::forward<X>(x), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::flat_map_op, Fn> flat_map(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0
