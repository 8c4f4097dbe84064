// SPDX-License-Identifier: MIT
// `chain`: one stream after another.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class S, class S2>
class [[nodiscard]] chain_stream {
public:
    using value_type = met<value_type_of<S>, value_type_of<S2>>;
    using error_type = met<error_type_of<S>, error_type_of<S2>>;

    chain_stream(S first, S2 second) : first_(std::move(first)), second_(std::move(second)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (!is_second_) {
            auto item = first_.poll_next(cx);
            if (!is_end(item)) return pass_answer<answer>(item);
            is_second_ = true;
        }
        auto item = second_.poll_next(cx);
        return pass_answer<answer>(item);
    }

private:
    [[no_unique_address]] S first_;  // kept after its end, as every source is
    [[no_unique_address]] S2 second_;
    bool is_second_ = false;
};

}  // namespace detail

/// The items of `source`, and when it has ended those of `second`, which is not polled before. Errors of both pass.
/// A stream of `never`, as `once(fail(e))` is, meets every item.
///
/// Cancel: dropping it destroys both; it holds no item.
/// Cost: no allocation; nothing of the poll's budget.
template <class X, class Y>
auto chain(X&& source, Y&& second) {
    static_assert(
        stream<X>,
        "pollux: chain: the first argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        static_assert(!future<X>,
                      "pollux: chain: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(stream<Y>,
                      "pollux: chain: the second argument is not a stream; it needs value_type, error_type and "
                      "poll_next(context&)");
        if constexpr (!stream<Y>) {
            detail::require_stream<Y>();
        } else {
            static_assert(
                !future<Y>,
                "pollux: chain: the second argument is both a future and a stream; wrap the one that is meant");
            constexpr bool same = detail::can_meet<detail::value_type_of<X>, detail::value_type_of<Y>>;
            static_assert(same, "pollux: chain: the two streams have different items; make them one type with map");
            constexpr bool meet = detail::can_meet<detail::error_type_of<X>, detail::error_type_of<Y>>;
            static_assert(meet, "pollux: chain: the two error types differ; make them one with map_err or from_err");
            if constexpr (same && meet) {
                return detail::chain_stream<detail::owned<X>, detail::owned<Y>>(detail::own(std::forward<X>(source)),
                                                                                detail::own(std::forward<Y>(second)));
            }
        }
    }
}

namespace detail {

struct chain_op {
    template <class X, class Y>
    auto operator()(X&& x, Y&& second) const {
        return pollux::chain(std::forward<X>(x), std::forward<Y>(second));
    }
};

}  // namespace detail

template <class Y>
detail::pipe<detail::chain_op, detail::owned<Y>> chain(Y&& second) {
    return {detail::own(std::forward<Y>(second))};
}

}  // namespace pollux::inline v0
