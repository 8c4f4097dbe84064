// SPDX-License-Identifier: MIT
// `zip`: the items of two streams in pairs.
#pragma once

#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

// One of the two, and its item that waits for the other's.
template <class S>
struct zip_side {
    explicit zip_side(S from) : source(std::move(from)) {}

    /// Ready if that is the answer of the pair: an error or the end. Pending if not, whether an item waits or not.
    template <class Answer>
    Answer poll(context& cx) {
        if (item.is_alive()) return pending;
        auto polled_item = source.poll_next(cx);
        if (!has_item(polled_item)) return without_item<Answer>(polled_item);
        item.emplace([&]() -> value_type_of<S>&& { return *std::move(polled_item.value()); });
        return pending;
    }

    [[no_unique_address]] S source;
    slot<value_type_of<S>> item;
};

template <class S, class S2>
class [[nodiscard]] zip_stream {
public:
    using value_type = std::pair<value_type_of<S>, value_type_of<S2>>;
    using error_type = met<error_type_of<S>, error_type_of<S2>>;

    zip_stream(S left, S2 right) : left_(std::move(left)), right_(std::move(right)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (is_over_) return answer::ready();
        // Both in one poll, so that they wait at the same time.
        answer instead = left_.template poll<answer>(cx);
        if (instead.is_pending()) instead = right_.template poll<answer>(cx);
        if (instead.is_ready()) {
            if (is_end(instead)) {
                is_over_ = true;
                drop_items();
            }
            return instead;
        }
        if (!left_.item.is_alive() || !right_.item.is_alive()) return pending;
        answer both = answer::ready(std::in_place, std::move(*left_.item), std::move(*right_.item));
        drop_items();
        return both;
    }

private:
    void drop_items() noexcept {
        right_.item.reset();
        left_.item.reset();
    }

    zip_side<S> left_;
    zip_side<S2> right_;
    bool is_over_ = false;
};

}  // namespace detail

/// The items of `source` and `second` in pairs, `std::pair`; both are polled at the same time. When either ends, so does
/// this for ever, and an item that waited for its partner is dropped; neither is polled after that, and `second` is not
/// polled once `source` has ended. An error of either is handed on at once; an item that waits for its partner waits on.
///
/// Cancel: dropping it drops the item that waits for its partner.
/// Cost: no allocation; nothing of the poll's budget; a wake-up polls the one whose item is missing, or both.
template <class X, class Y>
auto zip(X&& source, Y&& second) {
    static_assert(
        stream<X>,
        "pollux: zip: the first argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        static_assert(!future<X>,
                      "pollux: zip: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(stream<Y>,
                      "pollux: zip: the second argument is not a stream; it needs value_type, error_type and "
                      "poll_next(context&)");
        if constexpr (!stream<Y>) {
            detail::require_stream<Y>();
        } else {
            static_assert(!future<Y>,
                          "pollux: zip: the second argument is both a future and a stream; wrap the one that is meant");
            constexpr bool meet = detail::can_meet<detail::error_type_of<X>, detail::error_type_of<Y>>;
            static_assert(meet, "pollux: zip: the two error types differ; make them one with map_err or from_err");
            if constexpr (meet) {
                return detail::zip_stream<detail::owned<X>, detail::owned<Y>>(detail::own(std::forward<X>(source)),
                                                                              detail::own(std::forward<Y>(second)));
            }
        }
    }
}

namespace detail {

struct zip_op {
    template <class X, class Y>
    auto operator()(X&& x, Y&& second) const {
        return pollux::zip(std::forward<X>(x), std::forward<Y>(second));
    }
};

}  // namespace detail

template <class Y>
detail::pipe<detail::zip_op, detail::owned<Y>> zip(Y&& second) {
    return {detail::own(std::forward<Y>(second))};
}

}  // namespace pollux::inline v0
