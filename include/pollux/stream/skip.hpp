// SPDX-License-Identifier: MIT
// `skip`: the items of a stream after the first so many.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class S>
class [[nodiscard]] skip_stream {
public:
    using value_type = value_type_of<S>;
    using error_type = error_type_of<S>;

    skip_stream(S source, std::size_t n) : source_(std::move(source)), left_(n) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        while (left_ != 0) {
            auto item = source_.poll_next(cx);
            if (!has_item(item)) return item;
            --left_;
            // A source that is always ready must not hold the thread while many items are skipped.
            if (!cx.consume_budget()) return pending;
        }
        return source_.poll_next(cx);
    }

private:
    [[no_unique_address]] S source_;
    std::size_t left_;
};

}  // namespace detail

/// The items of `source` after the first `n`, which are dropped. Errors pass and are not counted.
///
/// Cancel: dropping it destroys `source`; it holds no item. What was skipped is gone.
/// Cost: no allocation; one unit of the poll's budget for each item that is skipped.
template <class X>
auto skip(X&& source, std::size_t n) {
    static_assert(
        stream<X>,
        "pollux: skip: the first argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        static_assert(!future<X>,
                      "pollux: skip: the first argument is both a future and a stream; wrap the one that is meant");
        return detail::skip_stream<detail::owned<X>>(detail::own(std::forward<X>(source)), n);
    }
}

namespace detail {

struct skip_op {
    template <class X>
    auto operator()(X&& x, std::size_t n) const {
        return pollux::skip(std::forward<X>(x), n);
    }
};

}  // namespace detail

inline detail::pipe<detail::skip_op, std::size_t> skip(std::size_t n) noexcept { return {n}; }

}  // namespace pollux::inline v0
