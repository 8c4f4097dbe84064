// SPDX-License-Identifier: MIT
// `take`: the first items of a stream, at most so many.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class S>
class [[nodiscard]] take_stream {
public:
    using value_type = value_type_of<S>;
    using error_type = error_type_of<S>;

    take_stream(S source, std::size_t n) : source_(std::move(source)), left_(n) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        if (left_ == 0) return polled<std::optional<value_type>, error_type>::ready();
        auto item = source_.poll_next(cx);
        if (has_item(item)) {
            --left_;
        } else if (is_end(item)) {
            left_ = 0;
        }
        return item;
    }

private:
    [[no_unique_address]] S source_;
    std::size_t left_;
};

}  // namespace detail

/// The first `n` items of `source`, then the end, also when `source` ends early; `source` is not polled after that. 0 is
/// legal and never polls it. Errors pass and are not counted.
///
/// Cancel: dropping it destroys `source`, and with it what comes after the first `n`; one that was lent with `by_ref`
/// can be polled on.
/// Cost: no allocation; nothing of the poll's budget.
template <class X>
auto take(X&& source, std::size_t n) {
    static_assert(
        stream<X>,
        "pollux: take: the first argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        static_assert(!future<X>,
                      "pollux: take: the first argument is both a future and a stream; wrap the one that is meant");
        return detail::take_stream<detail::owned<X>>(detail::own(std::forward<X>(source)), n);
    }
}

namespace detail {

struct take_op {
    template <class X>
    auto operator()(X&& x, std::size_t n) const {
        return pollux::take(std::forward<X>(x), n);
    }
};

}  // namespace detail

inline detail::pipe<detail::take_op, std::size_t> take(std::size_t n) noexcept { return {n}; }

}  // namespace pollux::inline v0
