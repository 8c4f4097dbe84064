// SPDX-License-Identifier: MIT
// `join_all` and `try_join_all`: the futures of a range at the same time, until all have finished, or the first has failed.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/range_children.hpp"
#include "pollux/future/detail/take_stored.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class F>
class [[nodiscard]] join_all_future {
    using result = stored_outcome_of<F>;

public:
    using value_type = std::vector<result>;
    using error_type = never;

    template <class R>
    explicit join_all_future(std::in_place_t, R&& range) : children_(std::in_place, std::forward<R>(range)) {}

    polled<value_type> poll(context& cx) {
        debug_check(!is_over_, "pollux: join_all: polled after it was ready or threw; destroy a future at its end");
        try {
            children_.poll(cx, [](auto& answer) { return take_stored(answer); }, [] { return false; });
            if (children_.left() != 0) return pending;
            is_over_ = true;
            return children_.template take<result>([](result& each) -> result&& { return std::move(each); });
        } catch (...) {
            is_over_ = true;
            children_.clear();
            throw;
        }
    }

private:
    range_children<F, result> children_;
    bool is_over_ = false;
};

template <class F>
class [[nodiscard]] try_join_all_future {
    using value = or_unit<value_type_of<F>>;
    using child_answer = polled<value_type_of<F>, error_type_of<F>>;

public:
    using value_type = std::vector<value>;
    using error_type = error_type_of<F>;

    template <class R>
    explicit try_join_all_future(std::in_place_t, R&& range) : children_(std::in_place, std::forward<R>(range)) {}

    polled<value_type, error_type> poll(context& cx) {
        using answer = polled<value_type, error_type>;
        debug_check(!is_over_, "pollux: try_join_all: polled after it was ready or threw; destroy a future at its end");
        answer failure = pending;
        const auto finish = [&failure](child_answer& result) -> child_answer&& {
            if (result.has_error()) failure = pass_error<answer>(result);
            return std::move(result);
        };
        try {
            children_.poll(cx, finish, [&failure] { return failure.is_ready(); });
            if (failure.is_pending() && children_.left() != 0) return pending;
            is_over_ = true;
            if (failure.is_pending())
                return children_.template take<value>(
                    [](child_answer& each) -> value&& { return std::move(each.value()); });
        } catch (...) {
            is_over_ = true;
            children_.clear();
            throw;
        }
        children_.clear();
        return failure;
    }

private:
    range_children<F, child_answer> children_;
    bool is_over_ = false;
};

}  // namespace detail

/// Polls the futures of `range` at the same time, and finishes when the last has: a `std::vector` of their outcomes (`unit` for
/// `void`), in the order of the range. An error is an outcome like another. A future is destroyed when it is ready. Of an empty
/// range it is ready at the first poll.
///
/// The elements are taken here: moved out of a temporary range that owns them, copied out of an lvalue and out of a view of
/// others, or taken as a view makes them. It may be moved at any time, also after a poll.
/// Throws: here, std::bad_alloc and what the range throws. The first exception of a future comes out of the poll, after the
/// others have been destroyed.
/// Cancel: dropping it destroys the futures and drops the outcomes that are there.
/// Cost: one allocation for all futures, one for the vector, and a vector before it for a range that does not know its size. A
/// wake-up polls only the future that was woken. One unit of the poll's budget for each future polled.
template <class R>
auto join_all(R&& range) {
    static_assert(detail::iterable<R>, "pollux: join_all: the argument is not a range; it needs begin and end");
    if constexpr (detail::iterable<R>) {
        using F = detail::range_element<R>;
        static_assert(
            future<F>,
            "pollux: join_all: the elements of the range are not futures; they need value_type, error_type and "
            "poll(context&)");
        if constexpr (!future<F>) {
            detail::require_future<F>();
        } else {
            static_assert(!stream<F>,
                          "pollux: join_all: the elements are both futures and streams; wrap the one that is meant");
            static_assert(detail::gives_elements<R>,
                          "pollux: join_all: the futures cannot be copied out of this range; pass std::move(range)");
            if constexpr (detail::gives_elements<R>)
                return detail::join_all_future<F>(std::in_place, std::forward<R>(range));
        }
    }
}

/// Polls the futures of `range` at the same time, and finishes when all have a value: a `std::vector` of the values (`unit` for
/// `void`), in the order of the range; or at the first error, after the others have been destroyed. Of an empty range it is ready
/// at the first poll.
///
/// Takes its elements as join_all does. Errors: the first of a future.
/// Throws, Cancel, Cost: as join_all.
template <class R>
auto try_join_all(R&& range) {
    static_assert(detail::iterable<R>, "pollux: try_join_all: the argument is not a range; it needs begin and end");
    if constexpr (detail::iterable<R>) {
        using F = detail::range_element<R>;
        static_assert(
            future<F>,
            "pollux: try_join_all: the elements of the range are not futures; they need value_type, error_type "
            "and poll(context&)");
        if constexpr (!future<F>) {
            detail::require_future<F>();
        } else {
            static_assert(
                !stream<F>,
                "pollux: try_join_all: the elements are both futures and streams; wrap the one that is meant");
            static_assert(
                detail::gives_elements<R>,
                "pollux: try_join_all: the futures cannot be copied out of this range; pass std::move(range)");
            if constexpr (detail::gives_elements<R>)
                return detail::try_join_all_future<F>(std::in_place, std::forward<R>(range));
        }
    }
}

}  // namespace pollux::inline v0
