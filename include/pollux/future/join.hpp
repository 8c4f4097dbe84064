// SPDX-License-Identifier: MIT
// `join`: a fixed number of futures at the same time, until all have finished.
//
// Without an allocation there is no waker of its own for a child (a kept waker would outlive the join), so each
// wake-up polls every child that has not finished. The children are base classes, told apart by their index: one flat
// fold instead of a recursion over a tuple.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/future/detail/take_stored.hpp"

namespace pollux::inline v0 {

namespace detail {

// The future until it is ready, then its outcome in the same place.
template <std::size_t Index, class F>
struct join_child {
    void poll(context& cx, unsigned& unfinished) {
        if (!place.is_first()) return;
        auto answer = place.first().poll(cx);
        if (answer.is_pending()) return;
        place.advance([&] { return take_stored(answer); });
        --unfinished;
    }
    // The outcome has been moved out; a byte to write for each is a tenth of a small join.
    void drop_outcome() noexcept {
        if constexpr (!std::is_trivially_destructible_v<stored_outcome_of<F>>) place.reset();
    }

    stages<F, stored_outcome_of<F>> place;
};

template <class Indices, class... Fs>
struct join_children;

template <std::size_t... Index, class... Fs>
struct join_children<std::index_sequence<Index...>, Fs...> : join_child<Index, Fs>... {
    template <class... Xs>
    explicit join_children(std::in_place_t, Xs&&... xs)
        : join_child<Index, Fs>{stages<Fs, stored_outcome_of<Fs>>(own(std::forward<Xs>(xs)))}... {}

    // No short cut: each wake-up may be for any of them.
    void poll(context& cx, unsigned& unfinished) { (join_child<Index, Fs>::poll(cx, unfinished), ...); }

    void destroy() noexcept { (join_child<Index, Fs>::place.reset(), ...); }

    void drop_outcomes() noexcept { (join_child<Index, Fs>::drop_outcome(), ...); }

    template <class Answer>
    Answer take() {
        return Answer::ready(std::move(join_child<Index, Fs>::place.second())...);
    }
};

template <class... Fs>
class [[nodiscard]] join_future {
public:
    using value_type = std::tuple<stored_outcome_of<Fs>...>;
    using error_type = never;

    template <class... Xs>
    explicit join_future(std::in_place_t, Xs&&... xs) : children_(std::in_place, std::forward<Xs>(xs)...) {}

    polled<value_type> poll(context& cx) {
        try {
            children_.poll(cx, unfinished_);
        } catch (...) {
            children_.destroy();
            throw;
        }
        if (unfinished_ != 0) {
            debug_check(unfinished_ != is_over,
                        "pollux: join: polled after it was ready; destroy a future once it is ready");
            return pending;
        }
        auto answer = children_.template take<polled<value_type>>();
        children_.drop_outcomes();
        unfinished_ = is_over;
        return answer;
    }

private:
    static constexpr unsigned is_over = static_cast<unsigned>(-1);

    join_children<std::index_sequence_for<Fs...>, Fs...> children_;
    unsigned unfinished_ = sizeof...(Fs);
};

}  // namespace detail

/// Polls all of them, and finishes when the last has: a `std::tuple` of their outcomes (`unit` for `void`), in
/// argument order. An error is an outcome like another. A child is destroyed when it is ready.
///
/// Throws: the first exception of a child, out of the poll, after the others have been destroyed.
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
