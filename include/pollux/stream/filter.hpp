// SPDX-License-Identifier: MIT
// `filter`: the items of a stream that a predicate accepts.
#pragma once

#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class S, class Fn>
class [[nodiscard]] filter_stream {
    using judged = judged_item_for<Fn, value_type_of<S>>;

public:
    using value_type = value_type_of<S>;
    using error_type = met<error_type_of<S>, typename judged::error_type>;

    filter_stream(S source, Fn fn) : fn_(std::move(fn)), source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        for (;;) {
            if constexpr (!judges_later<Fn, value_type>) {
                auto item = source_.poll_next(cx);
                // Nobody knows how many are refused. A compiler that expects many aligns the loop, by an instruction that each item costs.
                if (__builtin_expect_with_probability(
                        !has_item(item) || static_cast<bool>(detail::call(fn_, std::as_const(*item.value()))), true,
                        0.5))
                    return item;
            } else {
                using answer = polled<std::optional<value_type>, error_type>;
                if (!judged_.is_waiting()) {
                    auto item = source_.poll_next(cx);
                    if (!has_item(item)) return item;
                    judged_.ask(fn_, *item.value());
                }
                auto verdict = judged_.poll(cx);
                if (verdict.is_pending()) return pending;
                if (verdict.has_error()) return pass_error<answer>(verdict);
                if (verdict.value()) return judged_.template take<answer>();
                judged_.drop();
            }
            // A source whose items are all refused must not hold the thread.
            if (!cx.consume_budget()) return pending;
        }
    }

private:
    [[no_unique_address]] Fn fn_;  // above the future that may point into it, so destroyed after it
    [[no_unique_address]] S source_;
    [[no_unique_address]] judged judged_;
};

}  // namespace detail

/// The items of `source` for which `fn(const T&)` says true, or a future (or a `std::expected`) that it returns: the
/// item waits in the stream meanwhile, one at a time. Errors pass. An error of that future is one error of the
/// stream, which goes on; the item is dropped with it.
///
/// Throws: what `fn` throws, or its future, out of the poll; the item is lost, and the next follows.
/// Threads: `fn` runs in the poll, and is destroyed with the stream, after the future that it returned.
/// Cancel: dropping it drops the item whose verdict is awaited.
/// Cost: no allocation; one unit of the poll's budget for each item that is refused.
template <class X, class Fn>
auto filter(X&& source, Fn fn) {
    static_assert(
        stream<X>,
        "pollux: filter: the first argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using value = detail::value_type_of<X>;
        static_assert(!future<X>,
                      "pollux: filter: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(detail::callable_with<Fn, const value&>,
                      "pollux: filter: the callable does not take the item; it is called with a const value_type&");
        if constexpr (detail::callable_with<Fn, const value&>) {
            constexpr bool fits = detail::predicate_for<Fn, value>;
            static_assert(fits, "pollux: filter: the callable returns neither a bool nor a future of one");
            if constexpr (fits) {
                constexpr bool meet = detail::can_meet<detail::error_type_of<X>,
                                                       detail::error_type_of<detail::verdict_future<Fn, value>>>;
                static_assert(meet,
                              "pollux: filter: the error types of the stream and of the callable's future differ; make "
                              "them one with map_err or from_err");
                if constexpr (meet) {
                    return detail::filter_stream<detail::owned<X>, Fn>(detail::own(std::forward<X>(source)),
                                                                       std::move(fn));
                }
            }
        }
    }
}

namespace detail {

struct filter_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::filter(std::forward<X>(x), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::filter_op, Fn> filter(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0
