// SPDX-License-Identifier: MIT
// A fixed number of futures that are polled together: what `join`, `try_join`, `select` and `race` have in common.
//
// The children are base classes, told apart by their index: one flat fold instead of a recursion over a tuple. Each
// `Child<Index, F>` has a `place`, stages whose first is the future, and its own poll().
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0::detail {

template <template <std::size_t, class> class Child, class Indices, class... Fs>
class fixed_children;

template <template <std::size_t, class> class Child, std::size_t... Index, class... Fs>
class fixed_children<Child, std::index_sequence<Index...>, Fs...> : Child<Index, Fs>... {
public:
    template <class... Xs>
    explicit fixed_children(std::in_place_t, Xs&&... xs)
        : Child<Index, Fs>{typename Child<Index, Fs>::place_type(detail::own(std::forward<Xs>(xs)))}... {}

    /// Polls each of them with `progress`, which is for all of them, until one says true: that nothing else matters. If one throws,
    /// all are destroyed, and `progress` is told that this is the end. Inlined by force: it has one caller, and as a call of its own it
    /// is a fifth of a small join.
    template <class Progress>
    [[gnu::always_inline]] void poll(context& cx, Progress& progress) {
        try {
            static_cast<void>((Child<Index, Fs>::poll(cx, progress) || ...));
        } catch (...) {
            destroy();
            progress.end();
            throw;
        }
    }

    /// Polls each of them until one is ready, destroys all, and gives what `answer_of` of that child makes of its answer. If one throws,
    /// all are destroyed. The answer is made where it is returned: by way of a reference to it, g++ writes and copies it piece by piece.
    template <class Answer>
    [[gnu::always_inline]] Answer poll_first(context& cx) {
        try {
            return poll_first_from<Answer, 0>(cx);
        } catch (...) {
            destroy();
            throw;
        }
    }

    /// Of children that are destroyed together: they were. Asking the first is enough.
    bool are_destroyed() const noexcept { return !((Index != 0 || Child<Index, Fs>::place.is_first()) && ...); }

    /// When each has a result in its place: moves the results out. A place is not written again where nothing has to be destroyed, which
    /// is a tenth of a small join.
    template <class Answer>
    Answer take() {
        Answer answer = Answer::ready(std::move(Child<Index, Fs>::place.second())...);
        (drop_result(Child<Index, Fs>::place), ...);
        return answer;
    }

    void destroy() noexcept { (Child<Index, Fs>::place.reset(), ...); }

private:
    template <std::size_t I, class F>
    static Child<I, F>& child_at(Child<I, F>& child) noexcept {
        return child;
    }
    template <class Answer, std::size_t I>
    [[gnu::always_inline]] Answer poll_first_from(context& cx) {
        auto& child = child_at<I>(*this);
        if (auto own = child.place.first().poll(cx); own.is_ready()) {
            Answer answer = child.template answer_of<Answer>(own);
            destroy();
            return answer;
        }
        if constexpr (I + 1 == sizeof...(Fs)) {
            return pending;
        } else {
            return poll_first_from<Answer, I + 1>(cx);
        }
    }

    template <class F, class Result>
    static void drop_result(stages<F, Result>& place) noexcept {
        if constexpr (!std::is_trivially_destructible_v<Result>) place.reset();
    }
};

template <template <std::size_t, class> class Child, class... Fs>
using fixed_children_of = fixed_children<Child, std::index_sequence_for<Fs...>, Fs...>;

/// How many children are to be waited for, of those that wait for all; or that the whole is over.
class unfinished {
public:
    explicit constexpr unfinished(std::size_t n) noexcept : left_(static_cast<unsigned>(n)) {}

    void one_less() noexcept { --left_; }
    bool is_none() const noexcept { return left_ == 0; }
    void end() noexcept { left_ = over; }
    bool is_over() const noexcept { return left_ == over; }

private:
    static constexpr unsigned over = static_cast<unsigned>(-1);

    unsigned left_;
};

}  // namespace pollux::inline v0::detail
