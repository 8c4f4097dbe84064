// SPDX-License-Identifier: MIT
// `unfold`: a stream from a state and a function that gives an item and the next state.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

// The item in what one step of an unfold gives.
template <class Step, class State>
struct unfold_item {
    static constexpr bool fits = false;
};
template <class Item, class State>
struct unfold_item<std::optional<std::pair<Item, State>>, State> {
    static constexpr bool fits = true;
    using type = Item;
};

template <class State, class Fn>
class [[nodiscard]] unfold_stream {
    using step = called_future<Fn, State>;

public:
    using value_type = typename unfold_item<value_type_of<step>, State>::type;
    using error_type = error_type_of<step>;

    unfold_stream(State state, Fn fn) : fn_(std::move(fn)), state_(std::move(state)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (state_.has_value()) {
            // Gone from here on, whatever happens: a step that throws, fails or says so is the last.
            State state = *std::move(state_);
            state_.reset();
            step_.emplace([&]() -> step { return detail::call_future<State>(fn_, state); });
        }
        if (!step_.is_alive()) return answer::ready();
        auto next = poll_to_end(step_, cx);
        if (next.is_pending()) return pending;
        if (next.has_error()) return pass_error<answer>(next);
        if (!next.value().has_value()) return answer::ready();
        state_.emplace(std::move(next.value()->second));
        return answer::ready(std::in_place, std::move(next.value()->first));
    }

private:
    [[no_unique_address]] Fn fn_;  // above the future that may point into it, so destroyed after it
    std::optional<State> state_;
    slot<step> step_;
};

}  // namespace detail

/// A stream that calls `fn` with the state, moved in, for each item; it returns `std::optional<std::pair<item,
/// state>>`, or a future (or a `std::expected`) of that: the item and the next state, `std::nullopt` for the end. An
/// error is handed on, then the stream ends.
///
/// Throws: what `fn` or its future throws, out of the poll; the stream is at its end then.
/// Threads: `fn` runs in the poll, and is destroyed with the stream, after the future that it returned.
/// Cancel: dropping a pending `next` of it loses nothing. Dropping the stream destroys the future in flight, and with
/// it the state.
template <class State, class Fn>
auto unfold(State state, Fn fn) {
    static_assert(detail::callable_with<Fn, State>,
                  "pollux: unfold: the callable does not take the state; it is called with it as an rvalue");
    if constexpr (detail::callable_with<Fn, State>) {
        constexpr bool fits = detail::unfold_item<detail::value_type_of<detail::called_future<Fn, State>>, State>::fits;
        static_assert(
            fits,
            "pollux: unfold: the callable returns no std::optional<std::pair<item, state>> (or a future of that), with "
            "the type of the state as it was given; write its return type out");
        if constexpr (fits) return detail::unfold_stream<State, Fn>(std::move(state), std::move(fn));
    }
}

}  // namespace pollux::inline v0
