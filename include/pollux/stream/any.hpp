// SPDX-License-Identifier: MIT
// `any` and `all`: whether a predicate holds for one item of a stream, or for each.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/stream/detail/consume.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class R>
constexpr bool is_verdict() {
    if constexpr (is_future_or_expected<R>) {
        using value = value_type_of<typename future_for<R>::type>;
        return std::is_same_v<value, never> || std::is_constructible_v<bool, value>;
    } else {
        return std::is_constructible_v<bool, R>;
    }
}

// `sought`: the verdict that decides.
template <class Fn, class T, bool sought>
class any_reader {
public:
    using value_type = bool;
    using step = typename step_for<call_result<Fn, const T&>>::type;

    explicit any_reader(Fn&& fn) : fn_(std::move(fn)) {}

    decltype(auto) read(T& item) {
        if constexpr (std::is_void_v<step>) {
            is_decided_ = static_cast<bool>(detail::call(fn_, std::as_const(item))) == sought;
        } else {
            item_.emplace(std::move(item));
            return detail::call(fn_, std::as_const(*item_));
        }
    }
    template <class Verdict>
    bool took(Verdict& verdict) {
        item_.reset();
        is_decided_ = static_cast<bool>(std::move(verdict)) == sought;
        return is_decided_;
    }
    bool is_done() const noexcept { return is_decided_; }
    bool finish() const noexcept { return is_decided_ == sought; }
    void drop() const noexcept {}
    static constexpr const char* polled_again() noexcept {
        return sought ? "pollux: any: polled after it was ready or threw; destroy a future at its end"
                      : "pollux: all: polled after it was ready or threw; destroy a future at its end";
    }

private:
    struct nothing {};

    [[no_unique_address]] Fn fn_;
    // What the future of a predicate may refer to.
    [[no_unique_address]] std::conditional_t<std::is_void_v<step>, nothing, std::optional<T>> item_;
    bool is_decided_ = false;
};

template <bool sought, class X, class Fn>
auto make_any(X&& x, Fn&& fn) {
    using reader = any_reader<Fn, value_type_of<X>, sought>;
    return consume_future<owned<X>, reader>(detail::own(std::forward<X>(x)), reader(std::move(fn)));
}

}  // namespace detail

/// Whether `fn(const T&)` is true for an item; false for a stream without items. `fn` returns a `bool`, or a future (or
/// a `std::expected`) of one, which is awaited before the next item is taken; the item stays where it is meanwhile.
/// Ready at the first item that decides, or with the first error; what comes after it is not asked for.
///
/// Throws: what `fn` throws, out of the poll.
/// Threads: `fn` runs in the poll, and is destroyed with the result of `any`, after the future that it returned.
/// Cancel: dropping it drops the item whose verdict is awaited; those before it are gone. The rest of the stream is
/// destroyed, or stays where it was lent from.
/// Cost: no allocation; one unit of the poll's budget for each item, so that a stream that is always ready yields.
template <detail::nearly_stream X, class Fn>
auto any(X&& x, Fn fn) {
    static_assert(stream<X>,
                  "pollux: any: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using item = detail::value_type_of<X>;
        static_assert(!future<X>,
                      "pollux: any: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(detail::callable_with<Fn, const item&>,
                      "pollux: any: the predicate does not take an item; it is called with const value_type&");
        if constexpr (detail::callable_with<Fn, const item&>) {
            using returned = detail::call_result<Fn, const item&>;
            static_assert(detail::is_verdict<returned>(),
                          "pollux: any: the predicate returns neither a bool nor a future of one");
            if constexpr (detail::is_verdict<returned>()) {
                constexpr bool meet =
                    detail::can_meet<detail::error_type_of<X>,
                                     typename detail::step_error<typename detail::step_for<returned>::type>::type>;
                static_assert(meet,
                              "pollux: any: the error types of the stream and of the predicate's future differ; make "
                              "them one with map_err or from_err");
                if constexpr (meet) return detail::make_any<true>(std::forward<X>(x), std::move(fn));
            }
        }
    }
}

/// Whether `fn(const T&)` is true for each item; true for a stream without items. Otherwise as `any`.
template <detail::nearly_stream X, class Fn>
auto all(X&& x, Fn fn) {
    static_assert(stream<X>,
                  "pollux: all: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using item = detail::value_type_of<X>;
        static_assert(!future<X>,
                      "pollux: all: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(detail::callable_with<Fn, const item&>,
                      "pollux: all: the predicate does not take an item; it is called with const value_type&");
        if constexpr (detail::callable_with<Fn, const item&>) {
            using returned = detail::call_result<Fn, const item&>;
            static_assert(detail::is_verdict<returned>(),
                          "pollux: all: the predicate returns neither a bool nor a future of one");
            if constexpr (detail::is_verdict<returned>()) {
                constexpr bool meet =
                    detail::can_meet<detail::error_type_of<X>,
                                     typename detail::step_error<typename detail::step_for<returned>::type>::type>;
                static_assert(meet,
                              "pollux: all: the error types of the stream and of the predicate's future differ; make "
                              "them one with map_err or from_err");
                if constexpr (meet) return detail::make_any<false>(std::forward<X>(x), std::move(fn));
            }
        }
    }
}

namespace detail {

struct any_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::any(std::forward<X>(x), std::forward<Fn>(fn));
    }
};
struct all_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::all(std::forward<X>(x), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::any_op, Fn> any(Fn fn) {
    return {std::move(fn)};
}

template <class Fn>
detail::pipe<detail::all_op, Fn> all(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0
