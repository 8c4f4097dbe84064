// SPDX-License-Identifier: MIT
// `count`: how many items a stream gives.
#pragma once

#include <cstddef>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/stream/detail/consume.hpp"

namespace pollux::inline v0 {

namespace detail {

struct count_reader {
    using value_type = std::size_t;
    using step = void;

    template <class T>
    void read(T&) noexcept {
        ++items;
    }
    bool is_done() const noexcept { return false; }
    std::size_t finish() const noexcept { return items; }
    void drop() const noexcept {}
    static constexpr const char* polled_again() noexcept {
        return "pollux: count: polled after it was ready or threw; destroy a future at its end";
    }

    std::size_t items = 0;
};

}  // namespace detail

/// The number of items that the stream gives until its end, each of which is dropped; or its first error.
///
/// Cancel: dropping it loses the count; the items counted are gone.
/// Cost: no allocation; one unit of the poll's budget for each item, so that a stream that is always ready yields.
template <detail::nearly_stream X>
auto count(X&& x) {
    static_assert(
        stream<X>,
        "pollux: count: the argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        static_assert(!future<X>,
                      "pollux: count: the argument is both a future and a stream; wrap the one that is meant");
        return detail::consume_future<detail::owned<X>, detail::count_reader>(detail::own(std::forward<X>(x)), {});
    }
}

namespace detail {

struct count_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::count(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::count_op> count() noexcept { return {}; }

}  // namespace pollux::inline v0
