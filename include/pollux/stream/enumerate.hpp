// SPDX-License-Identifier: MIT
// `enumerate`: the items of a stream with their numbers.
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
class [[nodiscard]] enumerate_stream {
public:
    using value_type = std::pair<std::size_t, value_type_of<S>>;
    using error_type = error_type_of<S>;

    explicit enumerate_stream(S source) : source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        auto item = source_.poll_next(cx);
        if (!has_item(item)) return without_item<answer>(item);
        return answer::ready(std::in_place, number_++, *std::move(item.value()));
    }

private:
    [[no_unique_address]] S source_;
    std::size_t number_ = 0;
};

}  // namespace detail

/// Each item of `source` as a `std::pair` of its number, from 0 on, and the item. Errors pass and are not counted.
///
/// Cancel: dropping it destroys `source`; it holds no item.
/// Cost: no allocation; nothing of the poll's budget.
template <class X>
auto enumerate(X&& source) {
    static_assert(stream<X>,
                  "pollux: enumerate: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        static_assert(
            !future<X>,
            "pollux: enumerate: the first argument is both a future and a stream; wrap the one that is meant");
        return detail::enumerate_stream<detail::owned<X>>(detail::own(std::forward<X>(source)));
    }
}

namespace detail {

struct enumerate_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::enumerate(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::enumerate_op> enumerate() noexcept { return {}; }

}  // namespace pollux::inline v0
