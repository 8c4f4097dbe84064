// SPDX-License-Identifier: MIT
// `fold`: one value out of all items of a stream.
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

template <class Fn, class Acc, class T>
inline constexpr bool folds = std::is_invocable_v<Fn&, Acc, T>;

// What one step gives: the next value as it is (also if the value itself is a future or a std::expected), or a future
// or a std::expected of it.
template <class Fn, class Init, class T>
struct fold_types {
    using returned = std::invoke_result_t<Fn&, Init, T>;
    using step = typename step_for<returned, std::is_same_v<std::remove_cvref_t<returned>, Init> ||
                                                 !is_future_or_expected<returned>>::type;
    static constexpr bool is_plain = std::is_void_v<step>;

    template <class Step>
    struct value_of {
        using type = value_type_of<Step>;
    };
    template <class Step>
        requires std::is_void_v<Step>
    struct value_of<Step> {
        using type = std::remove_cvref_t<returned>;
    };
    // A step that can only fail says nothing about the value.
    using stepped = typename value_of<step>::type;
    using value = std::conditional_t<std::is_same_v<stepped, never>, Init, stepped>;

    static constexpr bool returns_same() {
        if constexpr (!std::is_object_v<value> || !folds<Fn, value, T>) {
            return false;
        } else {
            return std::is_same_v<std::invoke_result_t<Fn&, value, T>, returned>;
        }
    }
    static constexpr bool fits = returns_same() && std::is_constructible_v<value, Init>;
};

template <class Fn, class Init, class T>
class fold_reader {
    using types = fold_types<Fn, Init, T>;

public:
    using value_type = typename types::value;
    using step = typename types::step;

    fold_reader(Init&& init, Fn&& fn) : fn_(std::move(fn)), value_(std::in_place, std::move(init)) {}

    decltype(auto) read(T& item) {
        if constexpr (types::is_plain) {
            if constexpr (std::is_trivially_move_assignable_v<value_type> &&
                          std::is_trivially_destructible_v<value_type>) {
                *value_ = detail::call(fn_, *std::move(value_), std::move(item));  // emplace writes the flag twice
            } else {
                value_type next = detail::call(fn_, *std::move(value_), std::move(item));
                value_.emplace(std::move(next));
            }
        } else {
            return detail::call(fn_, *std::move(value_), std::move(item));
        }
    }
    bool took(value_type& next) {
        value_.emplace(std::move(next));
        return false;
    }
    bool is_done() const noexcept { return false; }
    value_type finish() { return *std::move(value_); }
    void drop() noexcept { value_.reset(); }
    static constexpr const char* polled_again() noexcept {
        return "pollux: fold: polled after it was ready or threw; destroy a future at its end";
    }

private:
    [[no_unique_address]] Fn fn_;
    std::optional<value_type> value_;
};

}  // namespace detail

/// Calls `fn(value, item)`, both moved in, for each item in turn, beginning with `init`: it returns the next value, or
/// a future (or a `std::expected`) of it, which is awaited before the next item is taken. The value at the end is the
/// result; its type is what `fn` returns, and `init` becomes one. Stops at the first error of the stream or of a future:
/// the value is destroyed.
///
/// Throws: what `fn` throws, out of the poll.
/// Threads: `fn` runs in the poll, and is destroyed with the result of `fold`, after the future that it returned.
/// Cancel: what was taken so far is lost.
/// Cost: no allocation; one unit of the poll's budget for each item, so that a stream that is always ready yields.
template <class X, class Init, class Fn>
auto fold(X&& x, Init init, Fn fn) {
    static_assert(stream<X>,
                  "pollux: fold: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using item = detail::value_type_of<X>;
        static_assert(!future<X>,
                      "pollux: fold: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(detail::folds<Fn, Init, item>,
                      "pollux: fold: the callable does not take the value and an item; it is called with both as "
                      "rvalues");
        if constexpr (detail::folds<Fn, Init, item>) {
            using types = detail::fold_types<Fn, Init, item>;
            static_assert(types::fits,
                          "pollux: fold: the callable does not return the next value, or a future of it, for what it "
                          "returned before; give the first value that type");
            if constexpr (types::fits) {
                constexpr bool meet =
                    detail::can_meet<detail::error_type_of<X>, typename detail::step_error<typename types::step>::type>;
                static_assert(meet,
                              "pollux: fold: the error types of the stream and of the callable's future differ; make "
                              "them one with map_err or from_err");
                if constexpr (meet) {
                    using reader = detail::fold_reader<Fn, Init, item>;
                    return detail::consume_future<detail::owned<X>, reader>(detail::own(std::forward<X>(x)),
                                                                            reader(std::move(init), std::move(fn)));
                }
            }
        }
    }
}

namespace detail {

template <class Init, class Fn>
struct fold_args {
    Init init;
    Fn fn;
};

struct fold_op {
    template <class X, class Init, class Fn>
    auto operator()(X&& x, fold_args<Init, Fn>&& args) const {
        return pollux::fold(std::forward<X>(x), std::move(args.init), std::move(args.fn));
    }
};

}  // namespace detail

template <class Init, class Fn>
detail::pipe<detail::fold_op, detail::fold_args<Init, Fn>> fold(Init init, Fn fn) {
    return {{std::move(init), std::move(fn)}};
}

}  // namespace pollux::inline v0
