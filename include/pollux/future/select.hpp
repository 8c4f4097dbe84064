// SPDX-License-Identifier: MIT
// `select`: a fixed number of futures at the same time, until the first has finished.
//
// As in `join`, a wake-up polls every child, in argument order: so the lowest index wins a tie, and nothing is
// allocated.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <variant>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/fixed_children.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/future/detail/take_stored.hpp"

namespace pollux::inline v0 {

namespace detail {

template <std::size_t Index, class F>
struct select_child {
    using place_type = stages<F, unit>;  // there is no second stage: destroyed early, with the losers

    template <class Answer, class Own>
    Answer answer_of(Own& own) {
        return Answer::ready(std::in_place_index<Index>, take_stored(own));
    }

    place_type place;
};

template <class... Fs>
class [[nodiscard]] select_future {
public:
    using value_type = std::variant<stored_outcome_of<Fs>...>;
    using error_type = never;

    template <class... Xs>
    explicit select_future(std::in_place_t, Xs&&... xs) : children_(std::in_place, std::forward<Xs>(xs)...) {}

    polled<value_type> poll(context& cx) {
        debug_check(!children_.are_destroyed(),
                    "pollux: select: polled after it was ready; destroy a future once it is ready");
        if (children_.are_destroyed()) return pending;
        return children_.template poll_first<polled<value_type>>(cx);
    }

private:
    fixed_children_of<select_child, Fs...> children_;
};

}  // namespace detail

/// Polls all of them, in argument order, and finishes with the first that does: a `std::variant` of outcomes (`unit`
/// for `void`) whose `index()` is that of the argument, the lowest in a tie. The others are destroyed before the
/// result is handed out; a future that was lent with `by_ref` lives on.
///
/// Throws: an exception of a child, out of the poll, after the others have been destroyed.
/// Cancel: dropping it destroys all of them; one that was lent with `by_ref` lives on, so that a loop of selects can go
/// on with it.
/// Cost: no allocation; each wake-up polls every child.
template <class... Xs>
    requires(!std::is_scalar_v<std::remove_cvref_t<Xs>> || ...)  // else under `using namespace` it would hide POSIX's
auto select(Xs&&... xs) {
    static_assert((future<Xs> && ...),
                  "pollux: select: an argument is not a future; it needs value_type, error_type and poll(context&)");
    if constexpr ((future<Xs> && ...)) {
        static_assert((!stream<Xs> && ...),
                      "pollux: select: an argument is both a future and a stream; wrap the one that is meant");
        return detail::select_future<detail::owned<Xs>...>(std::in_place, std::forward<Xs>(xs)...);
    } else {
        (detail::require_future<Xs>(), ...);
    }
}

}  // namespace pollux::inline v0
