// SPDX-License-Identifier: MIT
// `select_all` and `select_ok`: the futures of a range at the same time, until the first has finished, or the first has a value.
// Those that are left come back as a set, in the places where they are: so each has a node of its own from the beginning.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/range_children.hpp"
#include "pollux/future/detail/take_stored.hpp"
#include "pollux/stream/detail/child_set.hpp"
#include "pollux/stream/futures_unordered.hpp"

namespace pollux::inline v0 {

/// What `select_all` and `select_ok` give: which future of the range it was, what it gave, and the others, which go on in the set.
/// Of `select_ok` the outcome is a success. `unit` stands for void.
template <class F>
struct selected {
    std::size_t index;
    detail::stored_outcome_of<F> value;
    futures_unordered<F> rest;
};

namespace detail {

/// Throws: std::invalid_argument if `count` is 0.
POLLUX_API void check_selected_range(std::size_t count, const char* message);

template <class F, class R>
children<F> numbered_children(R&& range, const char* if_empty) {
    children<F> all;
    detail::for_each_element<R>(range, [&all](auto make) { all.emplace_numbered(all.size(), make); });
    check_selected_range(all.size(), if_empty);
    return all;
}

template <class F>
class [[nodiscard]] select_all_future {
public:
    using value_type = selected<F>;
    using error_type = never;

    explicit select_all_future(children<F> futures) noexcept : children_(std::move(futures)) {}

    polled<value_type> poll(context& cx) {
        debug_check(children_.size() != 0,
                    "pollux: select_all: polled after it was ready; destroy a future once it is ready");
        try {
            for (auto* child = children_.begin_poll(cx); child != nullptr; child = children_.next_woken(cx)) {
                auto answer = poll_in_set(cx, *child, children_.at(*child));
                if (answer.is_pending()) continue;
                const std::size_t index = children_.number_of(*child);
                children_.erase(*child);
                children_.gave_result();
                return value_type{index, take_stored(answer), futures_unordered<F>(std::move(children_))};
            }
        } catch (...) {
            children_.clear();
            throw;
        }
        return pending;
    }

private:
    children<F> children_;
};

template <class F>
class [[nodiscard]] select_ok_future {
public:
    using value_type = selected<F>;
    using error_type = error_type_of<F>;

    explicit select_ok_future(children<F> futures) noexcept : children_(std::move(futures)) {}

    polled<value_type, error_type> poll(context& cx) {
        using answer = polled<value_type, error_type>;
        debug_check(children_.size() != 0,
                    "pollux: select_ok: polled after it was ready; destroy a future once it is ready");
        try {
            for (auto* child = children_.begin_poll(cx); child != nullptr; child = children_.next_woken(cx)) {
                auto result = poll_in_set(cx, *child, children_.at(*child));
                if (result.is_pending()) continue;
                const std::size_t index = children_.number_of(*child);
                children_.erase(*child);
                if (result.has_error()) {
                    if (children_.size() == 0) return pass_error<answer>(result);
                    continue;
                }
                children_.gave_result();
                return value_type{index, take_stored(result), futures_unordered<F>(std::move(children_))};
            }
        } catch (...) {
            children_.clear();
            throw;
        }
        return pending;
    }

private:
    children<F> children_;
};

}  // namespace detail

/// Polls the futures of `range` at the same time, and finishes with the first that does, with a value or an error: a `selected`
/// of its index in the range, its outcome, and the others, which go on in a `futures_unordered`. The lowest index wins a tie at
/// the first poll, the first wake-up later.
///
/// Takes its elements as join_all does. It may be moved at any time, also after a poll.
/// Throws: std::invalid_argument here if the range is empty. An exception of a future comes out of the poll, after the others have
/// been destroyed.
/// Cancel: dropping it destroys the futures.
/// Cost: an allocation for each future, one of its own; none when it is ready. A wake-up polls only the future that was woken.
/// One unit of the poll's budget for each future polled.
template <class R>
auto select_all(R&& range) {
    static_assert(detail::iterable<R>, "pollux: select_all: the argument is not a range; it needs begin and end");
    if constexpr (detail::iterable<R>) {
        using F = detail::range_element<R>;
        static_assert(
            future<F>,
            "pollux: select_all: the elements of the range are not futures; they need value_type, error_type and "
            "poll(context&)");
        if constexpr (!future<F>) {
            detail::require_future<F>();
        } else {
            static_assert(!stream<F>,
                          "pollux: select_all: the elements are both futures and streams; wrap the one that is meant");
            static_assert(detail::gives_elements<R>,
                          "pollux: select_all: the futures cannot be copied out of this range; pass std::move(range)");
            if constexpr (detail::gives_elements<R>)
                return detail::select_all_future<F>(detail::numbered_children<F, R>(
                    std::forward<R>(range),
                    "pollux: select_all: the range is empty, so nothing could finish; give at least one future"));
        }
    }
}

/// Polls the futures of `range` at the same time, and finishes with the first value: a `selected` of its index in the range, its
/// outcome, and the others, which go on in a `futures_unordered`. One that fails is dropped.
///
/// Takes its elements as join_all does. It may be moved at any time, also after a poll.
/// Errors: the last one, if all have failed.
/// Throws, Cancel, Cost: as select_all.
template <class R>
auto select_ok(R&& range) {
    static_assert(detail::iterable<R>, "pollux: select_ok: the argument is not a range; it needs begin and end");
    if constexpr (detail::iterable<R>) {
        using F = detail::range_element<R>;
        static_assert(
            future<F>,
            "pollux: select_ok: the elements of the range are not futures; they need value_type, error_type and "
            "poll(context&)");
        if constexpr (!future<F>) {
            detail::require_future<F>();
        } else {
            static_assert(!stream<F>,
                          "pollux: select_ok: the elements are both futures and streams; wrap the one that is meant");
            static_assert(detail::gives_elements<R>,
                          "pollux: select_ok: the futures cannot be copied out of this range; pass std::move(range)");
            if constexpr (detail::gives_elements<R>)
                return detail::select_ok_future<F>(detail::numbered_children<F, R>(
                    std::forward<R>(range),
                    "pollux: select_ok: the range is empty, so nothing could succeed; give at least one future"));
        }
    }
}

}  // namespace pollux::inline v0
