// SPDX-License-Identifier: MIT
// What the adapters of streams share: an item among the answers of a source, and what a callable says of an item, at
// once or through a future, while the item waits. Where it says so at once, nothing of the other case is left.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0::detail {

template <class T, class E>
constexpr bool has_item(polled<std::optional<T>, E>& from) noexcept {
    return from.has_value() && from.value().has_value();
}

template <class T, class E>
constexpr bool is_end(polled<std::optional<T>, E>& from) noexcept {
    return from.has_value() && !from.value().has_value();
}

/// What is not an item (pending, an error, the end) as an answer for other items, whose error type it has met.
template <class Answer, class T, class E>
constexpr Answer without_item(polled<std::optional<T>, E>& from) {
    if (from.is_pending()) return pending;
    if (from.has_error()) return pass_error<Answer>(from);
    return Answer::ready();
}

/// An answer of a source as an answer for the items and errors that it has met.
template <class Answer, class T, class E>
constexpr Answer pass_answer(polled<std::optional<T>, E>& from) {
    if constexpr (std::is_same_v<T, never>) {
        return without_item<Answer>(from);
    } else {
        return std::move(from);
    }
}

template <class X>
struct optional_item {
    static constexpr bool fits = false;
};
template <class T>
struct optional_item<std::optional<T>> {
    static constexpr bool fits = true;
    using type = T;
};

/// The future behind what a callable returned, whatever its arguments were.
template <class Returned>
using returned_future = typename future_for<Returned>::type;

/// Polls the future in `place`, and destroys it unless it is pending: also if it throws.
template <class F>
polled<value_type_of<F>, error_type_of<F>> poll_to_end(slot<F>& place, context& cx) {
    try {
        auto answer = (*place).poll(cx);
        if (answer.is_ready()) place.reset();
        return answer;
    } catch (...) {
        place.reset();
        throw;
    }
}

/// The future behind what the predicate `Fn` returns for a `T`.
template <class Fn, class T>
using verdict_future = returned_future<call_result<Fn, const T&>>;

/// `fn` says yes or no to a `T`, or returns a future that does, or one that only fails.
template <class Fn, class T>
concept predicate_for = std::is_convertible_v<value_type_of<verdict_future<Fn, T>>, bool> ||
                        std::is_same_v<value_type_of<verdict_future<Fn, T>>, never>;

template <class Fn, class T>
inline constexpr bool judges_later = is_future_or_expected<call_result<Fn, const T&>>;

/// The item that waits until the future of its verdict is ready.
template <class Fn, class T>
class judged_item {
    using verdict_type = verdict_future<Fn, T>;

    // Never moved: the future may refer to the item.
    struct in_question {
        in_question(Fn& fn, T& moved) : item(std::move(moved)) {
            auto ask = [&]() -> decltype(auto) { return detail::call(fn, std::as_const(item)); };
            unit nothing;
            verdict.emplace([&]() -> verdict_type { return detail::call_future<void>(ask, nothing); });
        }

        T item;
        slot<verdict_type> verdict;
    };

public:
    using error_type = error_type_of<verdict_type>;

    bool is_waiting() const noexcept { return place_.is_alive(); }

    /// Moves `item` in and calls `fn`. If that throws, the item is lost and none waits.
    void ask(Fn& fn, T& item) {
        place_.emplace([&] { return in_question(fn, item); });
    }

    /// Ready once the verdict is there, whose future has been destroyed then; the item waits for `take` or `drop`. With
    /// an error or an exception it is dropped.
    polled<bool, error_type> poll(context& cx) {
        using answer = polled<bool, error_type>;
        try {
            auto verdict = poll_to_end((*place_).verdict, cx);
            if (verdict.is_pending()) return pending;
            if (verdict.has_error()) {
                drop();
                return pass_error<answer>(verdict);
            }
            if constexpr (std::is_same_v<value_type_of<verdict_type>, never>) {
                std::unreachable();
            } else {
                return answer::ready(static_cast<bool>(verdict.value()));
            }
        } catch (...) {
            drop();
            throw;
        }
    }

    template <class Answer>
    Answer take() {
        Answer taken = Answer::ready(std::in_place, std::move((*place_).item));
        drop();
        return taken;
    }
    void drop() noexcept { place_.reset(); }

private:
    slot<in_question> place_;
};

/// Stands in its place where the verdict is there at once.
struct no_judged_item {
    using error_type = never;
};

template <class Fn, class T>
using judged_item_for = std::conditional_t<judges_later<Fn, T>, judged_item<Fn, T>, no_judged_item>;

}  // namespace pollux::inline v0::detail
