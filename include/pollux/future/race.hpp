// SPDX-License-Identifier: MIT
// `race`: a fixed number of futures of one value at the same time, until the first has finished, whatever with.
//
// As in `select`, a wake-up polls every child, in argument order: so the lowest index wins a tie.
#pragma once

#include <cstddef>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/fixed_children.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

template <std::size_t Index, class F>
struct race_child {
    using place_type = stages<F, unit>;  // there is no second stage: destroyed early, with the losers

    template <class Answer, class Own>
    Answer answer_of(Own& own) {
        return Answer(std::move(own));
    }

    place_type place;
};

template <class... Fs>
class [[nodiscard]] race_future {
public:
    using value_type = met_all<value_type_of<Fs>...>;
    using error_type = met_all<error_type_of<Fs>...>;

    template <class... Xs>
    explicit race_future(std::in_place_t, Xs&&... xs) : children_(std::in_place, std::forward<Xs>(xs)...) {}

    polled<value_type, error_type> poll(context& cx) {
        debug_check(!children_.are_destroyed(),
                    "pollux: race: polled after it was ready; destroy a future once it is ready");
        if (children_.are_destroyed()) return pending;
        return children_.template poll_first<polled<value_type, error_type>>(cx);
    }

private:
    fixed_children_of<race_child, Fs...> children_;
};

}  // namespace detail

/// Polls all of them, in argument order, and finishes with the value or the error of the first that does, the lowest
/// index in a tie. The others are destroyed before the result is handed out; a future that was lent with `by_ref` lives
/// on.
///
/// Throws: an exception of a child, out of the poll, after the others have been destroyed.
/// Cancel: dropping it destroys all of them; one that was lent with `by_ref` lives on.
/// Cost: no allocation; each wake-up polls every child.
template <class... Xs>
    requires(sizeof...(Xs) > 0)
auto race(Xs&&... xs) {
    static_assert((future<Xs> && ...),
                  "pollux: race: an argument is not a future; it needs value_type, error_type and poll(context&)");
    if constexpr ((future<Xs> && ...)) {
        static_assert((!stream<Xs> && ...),
                      "pollux: race: an argument is both a future and a stream; wrap the one that is meant");
        constexpr bool values_meet = detail::can_all_meet<detail::value_type_of<Xs>...>;
        constexpr bool errors_meet = detail::can_all_meet<detail::error_type_of<Xs>...>;
        static_assert(values_meet, "pollux: race: the value types differ; make them one with map, or use select");
        static_assert(errors_meet,
                      "pollux: race: the error types differ; make them one with map_err or from_err, or use select");
        if constexpr (values_meet && errors_meet) {
            return detail::race_future<detail::owned<Xs>...>(std::in_place, std::forward<Xs>(xs)...);
        }
    } else {
        (detail::require_future<Xs>(), ...);
    }
}

}  // namespace pollux::inline v0
