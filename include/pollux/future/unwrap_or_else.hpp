// SPDX-License-Identifier: MIT
// `unwrap_or_else`: a plain value in place of the error.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class F, class Fn>
class [[nodiscard]] unwrap_or_else_future {
    using returned = call_result<Fn, error_type_of<F>>;

public:
    using value_type = met<value_type_of<F>, std::remove_cvref_t<returned>>;
    using error_type = never;

    unwrap_or_else_future(F fut, Fn fn) : fn_(std::move(fn)), fut_(std::move(fut)) {}

    polled<value_type> poll(context& cx) {
        using answer = polled<value_type>;
        auto inner = (*fut_).poll(cx);
        if (inner.is_pending()) return pending;
        fut_.reset();
        if (inner.has_value()) return pass_value<answer>(inner);
        if constexpr (std::is_void_v<value_type>) {
            detail::call_with<error_type_of<F>>(fn_, inner.error());
            return answer::ready();
        } else {
            return answer::ready(static_cast<value_type>(detail::call_with<error_type_of<F>>(fn_, inner.error())));
        }
    }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] kept_until_ready<F> fut_;
};

// A `R` in place of a `T`: converted, or of its own type where there is no value; nothing for nothing.
template <class R, class T>
inline constexpr bool replaces_value =
    std::is_same_v<T, never> || (std::is_void_v<T> == std::is_void_v<R> && std::is_convertible_v<R, T>);

}  // namespace detail

/// A future that cannot fail: the value of `x`, or what `fn` returns for its error, which is moved in. That converts
/// to the value_type, or becomes it where that is `never`; for `void`, `fn` returns `void`. `x` is destroyed before `fn` is called;
/// if its value is a future or a stream, which may point into `x`, with the result of `unwrap_or_else`.
///
/// Throws: what `fn` throws, out of the poll.
/// Threads: `fn` runs in the poll, and is destroyed with the result of `unwrap_or_else`.
/// Cancel: dropping it destroys `x`, and `fn` is not called.
template <class X, class Fn>
auto unwrap_or_else(X&& x, Fn fn) {
    static_assert(future<X>,
                  "pollux: unwrap_or_else: the first argument is not a future; it needs value_type, error_type and "
                  "poll(context&)");
    if constexpr (!future<X>) {
        detail::require_future<X>();
    } else {
        using error = detail::error_type_of<X>;
        static_assert(
            !stream<X>,
            "pollux: unwrap_or_else: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(
            detail::callable_with<Fn, error>,
            "pollux: unwrap_or_else: the callable does not take the error; it is called with the error_type as an "
            "rvalue (a future that cannot fail has the error_type never)");
        if constexpr (detail::callable_with<Fn, error>) {
            constexpr bool replaces = detail::replaces_value<detail::call_result<Fn, error>, detail::value_type_of<X>>;
            static_assert(replaces,
                          "pollux: unwrap_or_else: what the callable returns does not convert to the value_type; "
                          "return such a value (or_else takes a callable that returns a future)");
            if constexpr (replaces) {
                return detail::unwrap_or_else_future<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)),
                                                                           std::move(fn));
            }
        }
    }
}

namespace detail {

struct unwrap_or_else_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::unwrap_or_else(std::forward<X>(x), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::unwrap_or_else_op, Fn> unwrap_or_else(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0
