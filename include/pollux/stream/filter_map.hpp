// SPDX-License-Identifier: MIT
// `filter_map`: what a function makes of the items of a stream, where it makes something.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class S, class Fn>
class [[nodiscard]] filter_map_stream {
    using item_type = value_type_of<S>;
    using made_future = called_future<Fn, item_type>;
    static constexpr bool makes_later = is_future_or_expected<call_result<Fn, item_type>>;

public:
    using value_type = typename optional_item<value_type_of<made_future>>::type;
    using error_type = met<error_type_of<S>, error_type_of<made_future>>;

    filter_map_stream(S source, Fn fn) : fn_(std::move(fn)), source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        for (;;) {
            if constexpr (!makes_later) {
                auto item = source_.poll_next(cx);
                if (!has_item(item)) return without_item<answer>(item);
                auto made = answer::ready(detail::call_with<item_type>(fn_, *item.value()));
                if (has_item(made)) return made;
            } else {
                if (!made_.is_alive()) {
                    auto item = source_.poll_next(cx);
                    if (!has_item(item)) return without_item<answer>(item);
                    made_.emplace([&]() -> made_future { return detail::call_future<item_type>(fn_, *item.value()); });
                }
                auto made = poll_to_end(made_, cx);
                if (made.is_pending()) return pending;
                if (made.has_error()) return pass_error<answer>(made);
                if (made.value().has_value()) return answer::ready(std::move(made.value()));
            }
            // A source of whose items nothing is made must not hold the thread.
            if (!cx.consume_budget()) return pending;
        }
    }

private:
    [[no_unique_address]] Fn fn_;  // above the future that may point into it, so destroyed after it
    [[no_unique_address]] S source_;
    [[no_unique_address]] std::conditional_t<makes_later, slot<made_future>, unit> made_;
};

}  // namespace detail

/// Calls `fn` with each item of `source`, moved in; it returns a `std::optional`, or a future (or a `std::expected`)
/// of one: the item for this stream, `std::nullopt` to leave it out. One future is in flight at a time. Errors pass,
/// that of the future too, and the stream goes on.
///
/// Throws: what `fn` throws, or its future, out of the poll; the item is lost, and the next follows.
/// Threads: `fn` runs in the poll, and is destroyed with the stream, after the future that it returned.
/// Cancel: dropping it destroys the future in flight, and with it the item that it was given.
/// Cost: no allocation; one unit of the poll's budget for each item that is left out.
template <class X, class Fn>
auto filter_map(X&& source, Fn fn) {
    static_assert(stream<X>,
                  "pollux: filter_map: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using value = detail::value_type_of<X>;
        static_assert(
            !future<X>,
            "pollux: filter_map: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(
            detail::callable_with<Fn, value>,
            "pollux: filter_map: the callable does not take the item; it is called with the value_type as an rvalue");
        if constexpr (detail::callable_with<Fn, value>) {
            using made = detail::called_future<Fn, value>;
            constexpr bool fits = detail::optional_item<detail::value_type_of<made>>::fits;
            static_assert(
                fits,
                "pollux: filter_map: the callable returns no std::optional (or a future of one); write its return type "
                "out");
            if constexpr (fits) {
                constexpr bool meet = detail::can_meet<detail::error_type_of<X>, detail::error_type_of<made>>;
                static_assert(meet,
                              "pollux: filter_map: the error types of the stream and of the callable's future differ; "
                              "make them one with map_err or from_err");
                if constexpr (meet) {
                    return detail::filter_map_stream<detail::owned<X>, Fn>(detail::own(std::forward<X>(source)),
                                                                           std::move(fn));
                }
            }
        }
    }
}

namespace detail {

struct filter_map_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::filter_map(std::forward<X>(x), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::filter_map_op, Fn> filter_map(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0
