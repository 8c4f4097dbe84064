// SPDX-License-Identifier: MIT
// `next`: the next item of a stream as a future. The loop over a stream is `while (auto item = co_await next(s))`.
#pragma once

#include <optional>
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
class [[nodiscard]] next_future {
    using item_error = error_type_of<S>;

public:
    using value_type = std::optional<outcome_of<S>>;
    using error_type = never;

    explicit next_future(S&& source) : source_(std::forward<S>(source)) {}

    polled<value_type> poll(context& cx) {
        debug_check(!source_.is_over(),
                    "pollux: next: polled after it was ready or threw; the next item is that of another next");
        return until_over([&] [[gnu::always_inline]] { return advance(cx); }, [&] { source_.end(); });
    }

private:
    [[gnu::always_inline]] polled<value_type> advance(context& cx) {
        // A loop over a stream that is always ready goes through here alone, so this is where it yields in the end.
        if (!cx.consume_budget()) return pending;
        if constexpr (std::is_same_v<item_error, never>) {
            return source_->poll_next(cx);
        } else {
            using answer = polled<value_type>;
            auto item = source_->poll_next(cx);
            if (item.is_pending()) return pending;
            if (item.has_error()) return answer::ready(std::in_place, std::unexpect, std::move(item.error()));
            if (!item.value().has_value()) return answer::ready();
            return answer::ready(std::in_place, std::in_place, *std::move(item.value()));
        }
    }

    target<S> source_;
};

// An iterator is left to std::next, which a call without a namespace may mean as well.
template <class X>
concept not_an_iterator = !requires(std::remove_cvref_t<X>& x) { ++x; };

}  // namespace detail

/// The next item of `source` as a future that cannot fail: `std::optional<T>`, or `std::optional<std::expected<T,
/// E>>` of a stream that can; `std::nullopt` is the end. An lvalue is used where it is and must outlive the future; a
/// temporary is owned.
///
/// Cancel: dropping it while it is pending loses no item of a stream that keeps this rule itself; all of Pollux's do.
/// Cost: one unit of the poll's budget, so that a loop over items that are always there yields in the end.
template <class X>
    requires(stream<X> || detail::not_an_iterator<X>)
auto next(X&& source) {
    static_assert(
        stream<X>,
        "pollux: next: the argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: next: the argument is both a future and a stream; wrap the one that is meant");
    static_assert(!std::is_const_v<std::remove_reference_t<X>>,
                  "pollux: next: the stream is const; polling changes it");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else if constexpr (!std::is_const_v<std::remove_reference_t<X>>) {
        return detail::next_future<X>(std::forward<X>(source));
    }
}

namespace detail {

struct next_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::next(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::next_op> next() noexcept { return {}; }

}  // namespace pollux::inline v0
