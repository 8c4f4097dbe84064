// SPDX-License-Identifier: MIT
// `scan`: a function of each item of a stream that keeps a state from item to item and may end the stream.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class Fn, class State, class T>
using scan_result = std::invoke_result_t<Fn&, State&, T>;

template <class S, class State, class Fn>
class [[nodiscard]] scan_stream {
    using returned = scan_result<Fn, State, value_type_of<S>>;
    using made_future = returned_future<returned>;
    static constexpr bool makes_later = is_future_or_expected<returned>;

public:
    using value_type = typename optional_item<value_type_of<made_future>>::type;
    using error_type = met<error_type_of<S>, error_type_of<made_future>>;

    scan_stream(S source, State state, Fn fn)
        : fn_(std::move(fn)), source_(std::move(source)), state_(std::move(state)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (is_over_) return answer::ready();
        if constexpr (!makes_later) {
            auto item = source_.poll_next(cx);
            if (!has_item(item)) return without_item<answer>(item);
            auto made = answer::ready(detail::call(fn_, state_, *std::move(item.value())));
            is_over_ = is_end(made);
            return made;
        } else {
            if (!made_.is_alive()) {
                auto item = source_.poll_next(cx);
                if (!has_item(item)) return without_item<answer>(item);
                auto step = [&]() -> decltype(auto) { return detail::call(fn_, state_, *std::move(item.value())); };
                unit nothing;
                made_.emplace([&]() -> made_future { return detail::call_future<void>(step, nothing); });
            }
            auto made = poll_to_end(made_, cx);
            if (made.is_pending()) return pending;
            if (made.has_error()) return pass_error<answer>(made);
            is_over_ = !made.value().has_value();
            return answer::ready(std::move(made.value()));
        }
    }

private:
    [[no_unique_address]] Fn fn_;  // this and the state above the future that may point into them
    [[no_unique_address]] S source_;
    State state_;
    [[no_unique_address]] std::conditional_t<makes_later, slot<made_future>, unit> made_;
    bool is_over_ = false;
};

}  // namespace detail

/// Calls `fn(state&, item)` with each item of `source`, moved in; it returns a `std::optional`, or a future (or a
/// `std::expected`) of one: the item for this stream, `std::nullopt` for the end, after which `source` is not polled
/// again. One future is in flight at a time, and may refer to the state. Errors pass, that of the future too, and the
/// stream goes on.
///
/// Throws: what `fn` throws, or its future, out of the poll; the item is lost, the state stays as `fn` left it, and
/// the next item follows.
/// Threads: `fn` runs in the poll. It and the state are destroyed with the stream, after the future that it returned.
/// Cancel: dropping it destroys the future in flight, and with it the item that it was given.
/// Cost: no allocation.
template <class X, class State, class Fn>
auto scan(X&& source, State state, Fn fn) {
    static_assert(
        stream<X>,
        "pollux: scan: the first argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using value = detail::value_type_of<X>;
        static_assert(!future<X>,
                      "pollux: scan: the first argument is both a future and a stream; wrap the one that is meant");
        constexpr bool takes = std::is_invocable_v<Fn&, State&, value>;
        static_assert(takes,
                      "pollux: scan: the callable does not take the state and the item; it is called with a State& and "
                      "the value_type as an rvalue");
        if constexpr (takes) {
            using made = detail::returned_future<detail::scan_result<Fn, State, value>>;
            constexpr bool fits = detail::optional_item<detail::value_type_of<made>>::fits;
            static_assert(
                fits,
                "pollux: scan: the callable returns no std::optional (or a future of one); write its return type out");
            if constexpr (fits) {
                constexpr bool meet = detail::can_meet<detail::error_type_of<X>, detail::error_type_of<made>>;
                static_assert(meet,
                              "pollux: scan: the error types of the stream and of the callable's future differ; make "
                              "them one with map_err or from_err");
                if constexpr (meet) {
                    return detail::scan_stream<detail::owned<X>, State, Fn>(detail::own(std::forward<X>(source)),
                                                                            std::move(state), std::move(fn));
                }
            }
        }
    }
}

namespace detail {

template <class State, class Fn>
struct scan_arguments {
    State state;
    Fn fn;
};

struct scan_op {
    template <class X, class State, class Fn>
    auto operator()(X&& x, scan_arguments<State, Fn> arguments) const {
        return pollux::scan(std::forward<X>(x), std::move(arguments.state), std::move(arguments.fn));
    }
};

}  // namespace detail

template <class State, class Fn>
detail::pipe<detail::scan_op, detail::scan_arguments<State, Fn>> scan(State state, Fn fn) {
    return {{std::move(state), std::move(fn)}};
}

}  // namespace pollux::inline v0
