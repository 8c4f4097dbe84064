// SPDX-License-Identifier: MIT
// `try_join`: a fixed number of futures at the same time, until all have a value or the first has failed.
//
// As in `join`, a wake-up polls every child that has not finished, in argument order.
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/fixed_children.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

// The future until it is ready, then its value in the same place.
template <std::size_t Index, class F>
struct try_join_child {
    using value = or_unit<value_type_of<F>>;
    using place_type = stages<F, value>;

    template <class Progress>
    bool poll(context& cx, Progress& progress) {
        if (!place.is_first()) return false;
        auto own_answer = place.first().poll(cx);
        if (own_answer.is_pending()) return false;
        if (own_answer.has_error()) {
            progress.answer = pass_error<decltype(progress.answer)>(own_answer);
            place.reset();  // it is ready, so it goes before the others, as in try_join_all
            return true;
        }
        place.advance([&]() -> value&& { return std::move(own_answer.value()); });
        progress.others.one_less();
        return false;
    }

    place_type place;
};

template <class... Fs>
class [[nodiscard]] try_join_future {
public:
    using value_type = std::tuple<or_unit<value_type_of<Fs>>...>;
    using error_type = met_all<error_type_of<Fs>...>;

    template <class... Xs>
    explicit try_join_future(std::in_place_t, Xs&&... xs) : children_(std::in_place, std::forward<Xs>(xs)...) {}

    polled<value_type, error_type> poll(context& cx) {
        struct {
            polled<value_type, error_type> answer;
            unfinished& others;
            void end() noexcept { others.end(); }
        } progress{pending, unfinished_};
        children_.poll(cx, progress);
        debug_check(!unfinished_.is_over(),
                    "pollux: try_join: polled after it was ready or threw; destroy a future at its end");
        if (progress.answer.is_pending()) {
            if (!unfinished_.is_none()) return pending;
            unfinished_.end();
            return children_.template take<polled<value_type, error_type>>();
        }
        children_.destroy();
        unfinished_.end();
        return std::move(progress.answer);
    }

private:
    fixed_children_of<try_join_child, Fs...> children_;
    unfinished unfinished_{sizeof...(Fs)};
};

}  // namespace detail

/// Polls all of them, and finishes when the last has a value: a `std::tuple` of their values (`unit` for `void`), in
/// argument order. A child is destroyed when it is ready, also with an error.
///
/// Errors: the first error of a child, after the others have been destroyed; of two at once the lower index's.
/// Throws: the first exception of a child, out of the poll, after the others have been destroyed.
/// Cancel: dropping it destroys the children that have not finished, and drops the values that are there.
/// Cost: no allocation; each wake-up polls every child that has not finished.
template <class... Xs>
    requires(sizeof...(Xs) == 0 || (future<Xs> || ...))
auto try_join(Xs&&... xs) {
    static_assert((future<Xs> && ...),
                  "pollux: try_join: an argument is not a future; it needs value_type, error_type and poll(context&)");
    if constexpr ((future<Xs> && ...)) {
        static_assert((!stream<Xs> && ...),
                      "pollux: try_join: an argument is both a future and a stream; wrap the one that is meant");
        constexpr bool meet = detail::can_all_meet<detail::error_type_of<Xs>...>;
        static_assert(meet, "pollux: try_join: the error types differ; make them one with map_err or from_err");
        if constexpr (meet) {
            return detail::try_join_future<detail::owned<Xs>...>(std::in_place, std::forward<Xs>(xs)...);
        }
    } else {
        (detail::require_future<Xs>(), ...);
    }
}

}  // namespace pollux::inline v0
