// SPDX-License-Identifier: MIT
// `join`: a fixed number of futures at the same time, until all have finished.
//
// Without an allocation there is no waker of its own for a child (a kept waker would outlive the join), so each
// wake-up polls every child that has not finished.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/fixed_children.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/future/detail/take_stored.hpp"

namespace pollux::inline v0 {

namespace detail {

// The future until it is ready, then its outcome in the same place.
template <std::size_t Index, class F>
struct join_child {
    using place_type = stages<F, stored_outcome_of<F>>;

    // Never true: each wake-up may be for any of them.
    bool poll(context& cx, unfinished& others) {
        if (!place.is_first()) return false;
        auto answer = place.first().poll(cx);
        if (answer.is_pending()) return false;
        place.advance([&] { return take_stored(answer); });
        others.one_less();
        return false;
    }

    place_type place;
};

template <class... Fs>
class [[nodiscard]] join_future {
public:
    using value_type = std::tuple<stored_outcome_of<Fs>...>;
    using error_type = never;

    template <class... Xs>
    explicit join_future(std::in_place_t, Xs&&... xs) : children_(std::in_place, std::forward<Xs>(xs)...) {}

    polled<value_type> poll(context& cx) {
        children_.poll(cx, unfinished_);
        debug_check(!unfinished_.is_over(),
                    "pollux: join: polled after it was ready or threw; destroy a future at its end");
        if (!unfinished_.is_none()) return pending;
        unfinished_.end();
        return children_.template take<polled<value_type>>();
    }

private:
    fixed_children_of<join_child, Fs...> children_;
    unfinished unfinished_{sizeof...(Fs)};
};

}  // namespace detail

/// Polls all of them, and finishes when the last has: a `std::tuple` of their outcomes (`unit` for `void`), in
/// argument order. An error is an outcome like another. A child is destroyed when it is ready.
///
/// Throws: the first exception of a child, out of the poll, after the others have been destroyed.
/// Cancel: dropping it destroys the children that have not finished, and drops the outcomes that are there.
/// Cost: no allocation; each wake-up polls every child that has not finished.
template <class... Xs>
    requires(sizeof...(Xs) == 0 || (future<Xs> || ...))
auto join(Xs&&... xs) {
    static_assert((future<Xs> && ...),
                  "pollux: join: an argument is not a future; it needs value_type, error_type and poll(context&)");
    if constexpr ((future<Xs> && ...)) {
        static_assert((!stream<Xs> && ...),
                      "pollux: join: an argument is both a future and a stream; wrap the one that is meant");
        return detail::join_future<detail::owned<Xs>...>(std::in_place, std::forward<Xs>(xs)...);
    } else {
        (detail::require_future<Xs>(), ...);
    }
}

}  // namespace pollux::inline v0
