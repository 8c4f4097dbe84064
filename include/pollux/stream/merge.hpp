// SPDX-License-Identifier: MIT
// `merge`: the items of two streams, as they come. Each has a waker of its own, so that only the one that was woken is polled.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/child_groups.hpp"
#include "pollux/stream/detail/child_poll.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class A, class B>
class [[nodiscard]] merge_stream {
public:
    using value_type = met<value_type_of<A>, value_type_of<B>>;
    using error_type = met<error_type_of<A>, error_type_of<B>>;

    merge_stream(A a, B b) : a_(std::move(a)), b_(std::move(b)) {}
    // Refused before the sources are touched: they are the streams that the user moved.
    merge_stream(const merge_stream& other)
        requires(std::is_copy_constructible_v<A> && std::is_copy_constructible_v<B>)
        : a_((refuse_in_flight(other), other.a_)), b_(other.b_) {}
    merge_stream(merge_stream&& other) noexcept(std::is_nothrow_move_constructible_v<A> &&
                                                std::is_nothrow_move_constructible_v<B>)
        : a_((refuse_in_flight(other), std::move(other.a_))), b_(std::move(other.b_)) {}
    merge_stream& operator=(const merge_stream&) = delete;
    ~merge_stream() = default;

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (!children_) children_.make(2, 0, 1);
        children_.begin_poll(cx.waker());
        children_.for_each_woken([this](std::size_t side) {
            if (sides_[side] == side_state::asleep) sides_[side] = side_state::awake;
        });
        for (int both = 0; both != 2; ++both) {
            const std::size_t side = turn_;
            turn_ = 1 - turn_;
            if (sides_[side] != side_state::awake) continue;
            answer item = side == 0 ? poll<answer>(cx, 0, a_) : poll<answer>(cx, 1, b_);
            // One that has given an item has kept no waker: it stays awake and has its next turn after the other.
            if (item.is_ready()) return item;
        }
        if (sides_[0] == side_state::ended && sides_[1] == side_state::ended) return answer::ready();
        return pending;
    }

private:
    enum class side_state : unsigned char { awake, asleep, ended };

    // Pending also at the side's end.
    template <class Answer, class S>
    Answer poll(context& cx, std::size_t side, S& source) {
        const child_poll poll(children_, side);
        context child_cx = cx.with_waker(poll.waker());
        auto item = source.poll_next(child_cx);
        if (item.has_error()) return pass_error<Answer>(item);
        if (item.is_pending()) {
            sides_[side] = side_state::asleep;
        } else if (!item.value().has_value()) {
            sides_[side] = side_state::ended;
        } else if constexpr (!std::is_same_v<value_type_of<S>, never>) {
            return Answer::ready(std::move(item.value()));
        }
        return pending;
    }

    static void refuse_in_flight(const merge_stream& other) noexcept {
        if (other.children_) [[unlikely]] {
            fail_check(moved_in_flight);
        }
    }

    A a_;
    B b_;
    child_groups children_;
    std::size_t turn_ = 0;
    side_state sides_[2] = {side_state::awake, side_state::awake};
};

}  // namespace detail

/// The items of `a` and `b` as they come: while both have some, in turn. At its end when both are. An error is handed on and
/// ends nothing. A stream of `never`, as `once(fail(e))` is, meets every item.
///
/// Throws: an exception of either comes out of the poll.
/// Cancel: dropping it drops no item that was taken from either. Both are kept until it is destroyed, ended or not.
/// Cost: one allocation at the first poll. A wake-up polls only the side that was woken.
template <class A, class B>
auto merge(A&& a, B&& b) {
    static_assert(
        stream<A>,
        "pollux: merge: the first argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    static_assert(
        stream<B>,
        "pollux: merge: the second argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    if constexpr (!stream<A>) {
        detail::require_stream<A>();
    } else if constexpr (!stream<B>) {
        detail::require_stream<B>();
    } else {
        static_assert(!future<A> && !future<B>,
                      "pollux: merge: an argument is both a future and a stream; wrap the one that is meant");
        constexpr bool same = detail::can_meet<detail::value_type_of<A>, detail::value_type_of<B>>;
        constexpr bool meet = detail::can_meet<detail::error_type_of<A>, detail::error_type_of<B>>;
        static_assert(same, "pollux: merge: the items of the two streams have different types; make them one with map");
        static_assert(meet, "pollux: merge: the two error types differ; make them one with map_err or from_err");
        if constexpr (same && meet)
            return detail::merge_stream<detail::owned<A>, detail::owned<B>>(detail::own(std::forward<A>(a)),
                                                                            detail::own(std::forward<B>(b)));
    }
}

namespace detail {

struct merge_op {
    template <class A, class B>
    auto operator()(A&& a, B&& b) const {
        return pollux::merge(std::forward<A>(a), std::forward<B>(b));
    }
};

}  // namespace detail

template <class B>
auto merge(B&& b) {
    return detail::pipe<detail::merge_op, detail::owned<B>>{detail::own(std::forward<B>(b))};
}

}  // namespace pollux::inline v0
