// SPDX-License-Identifier: MIT
// `select_next_some`: the next item of a stream that may be filled again, as a future that does not see its end.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/target.hpp"
#include "pollux/future/detail/until_over.hpp"

namespace pollux::inline v0 {

namespace detail {

// `S` is the stream, or a reference to it.
template <class S>
class [[nodiscard]] select_next_some_future {
    using item_error = error_type_of<S>;

public:
    using value_type = outcome_of<S>;
    using error_type = never;

    explicit select_next_some_future(S&& source) : source_(std::forward<S>(source)) {}

    polled<value_type> poll(context& cx) {
        debug_check(
            !source_.is_over(),
            "pollux: select_next_some: polled after it was ready or threw; the next item is that of another one");
        return until_over([&] [[gnu::always_inline]] { return advance(cx); }, [&] { source_.end(); });
    }

private:
    [[gnu::always_inline]] polled<value_type> advance(context& cx) {
        using answer = polled<value_type>;
        if (!cx.consume_budget()) return pending;
        auto item = source_->poll_next(cx);
        if constexpr (std::is_same_v<item_error, never>) {
            if (item.has_value() && item.value().has_value()) return answer::ready(*std::move(item.value()));
        } else {
            if (item.has_error()) return answer::ready(std::unexpect, std::move(item.error()));
            if (item.has_value() && item.value().has_value())
                return answer::ready(std::in_place, *std::move(item.value()));
        }
        return pending;
    }

    target<S> source_;
};

}  // namespace detail

/// The next item of `source` as a future that cannot fail: `T`, or `std::expected<T, E>` of a stream that can. While the stream
/// is at its end it is pending: a set that is filled again wakes it; with a stream that has ended for good it waits for ever,
/// and polls it again at each wake-up. An lvalue is used where it is and must outlive the future; a temporary is owned.
///
/// Cancel: dropping it while it is pending loses no item, as for `next`.
/// Cost: one unit of the poll's budget.
template <class X>
auto select_next_some(X&& source) {
    static_assert(stream<X>,
                  "pollux: select_next_some: the argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: select_next_some: the argument is both a future and a stream; wrap the one that is meant");
    static_assert(!std::is_const_v<std::remove_reference_t<X>>,
                  "pollux: select_next_some: the stream is const; polling changes it");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else if constexpr (!std::is_const_v<std::remove_reference_t<X>>) {
        return detail::select_next_some_future<X>(std::forward<X>(source));
    }
}

namespace detail {

struct select_next_some_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::select_next_some(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::select_next_some_op> select_next_some() noexcept { return {}; }

}  // namespace pollux::inline v0
