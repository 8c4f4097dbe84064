// SPDX-License-Identifier: MIT
// `map` and `map_err`: a plain function of the value, or of the error, of a future. Both take streams too: their
// classes for them stand in pollux/stream/map.hpp.
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
class [[nodiscard]] map_future {
    using returned = call_result<Fn, value_type_of<F>>;

public:
    using value_type = std::remove_cvref_t<returned>;
    using error_type = error_type_of<F>;

    map_future(F fut, Fn fn) : fn_(std::move(fn)), fut_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        using answer = polled<value_type, error_type>;
        auto inner = (*fut_).poll(cx);
        if (inner.is_pending()) return pending;
        fut_.reset();
        if (inner.has_error()) return pass_error<answer>(inner);
        if constexpr (std::is_void_v<returned>) {
            detail::call_with<value_type_of<F>>(fn_, inner.value());
            return answer::ready();
        } else {
            return answer::ready(detail::call_with<value_type_of<F>>(fn_, inner.value()));
        }
    }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] kept_until_ready<F> fut_;
};

template <class S, class Fn>
class map_stream;
template <class S, class Fn>
class map_err_stream;

template <class F, class Fn>
class [[nodiscard]] map_err_future {
public:
    using value_type = value_type_of<F>;
    using error_type = std::remove_cvref_t<call_result<Fn, error_type_of<F>>>;

    map_err_future(F fut, Fn fn) : fn_(std::move(fn)), fut_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        using answer = polled<value_type, error_type>;
        auto inner = (*fut_).poll(cx);
        if (inner.is_pending()) return pending;
        fut_.reset();
        if (inner.has_error()) return answer::failed(detail::call_with<error_type_of<F>>(fn_, inner.error()));
        return pass_value<answer>(inner);
    }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] kept_until_ready<F> fut_;
};

}  // namespace detail

/// Turns the value of a future, or each item of a stream, into what `fn` returns for it; errors pass. `fn` gets the
/// value moved in, nothing for `void`; for a future it may return `void`. A future is destroyed before `fn` is called, a stream kept,
/// and so is a future whose value is a future or a stream, which may point into it.
///
/// Throws: what `fn` throws, out of the poll.
/// Threads: `fn` runs in the poll, and is destroyed with the result of `map`.
/// Cancel: dropping it destroys `x`, and `fn` is not called any more; it holds no item of a stream.
template <class X, class Fn>
auto map(X&& x, Fn fn) {
    static_assert(
        future<X> || stream<X>,
        "pollux: map: the first argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: map: the first argument is both a future and a stream; wrap the one that is meant");
    if constexpr (!future<X> && !stream<X>) {
        detail::require_future<X>();
    } else {
        using value = detail::value_type_of<X>;
        static_assert(
            detail::callable_with<Fn, value>,
            "pollux: map: the callable does not take the value; it is called with the value_type as an rvalue, with "
            "nothing if that is void (a future made by fail(e) has the value_type never: name another, fail<T>(e))");
        if constexpr (!detail::callable_with<Fn, value>) {
            return;
        } else if constexpr (stream<X>) {
            static_assert(!std::is_void_v<detail::call_result<Fn, value>>,
                          "pollux: map: the callable for a stream returns void; return a value, or unit");
            return detail::map_stream<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
        } else {
            return detail::map_future<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
        }
    }
}

/// Turns the error of a future, or each error of a stream, into what `fn` returns for it, which is moved in; values
/// pass. A future is destroyed before `fn` is called, a stream kept,
/// and so is a future whose value is a future or a stream, which may point into it.
///
/// Throws: what `fn` throws, out of the poll.
/// Threads: `fn` runs in the poll, and is destroyed with the result of `map_err`.
/// Cancel: dropping it destroys `x`, and `fn` is not called any more; it holds no item of a stream.
template <class X, class Fn>
auto map_err(X&& x, Fn fn) {
    static_assert(
        future<X> || stream<X>,
        "pollux: map_err: the first argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: map_err: the first argument is both a future and a stream; wrap the one that is meant");
    if constexpr (!future<X> && !stream<X>) {
        detail::require_future<X>();
    } else {
        static_assert(
            detail::callable_with<Fn, detail::error_type_of<X>>,
            "pollux: map_err: the callable does not take the error; it is called with the error_type as an rvalue "
            "(a future that cannot fail has the error_type never)");
        if constexpr (detail::callable_with<Fn, detail::error_type_of<X>>) {
            static_assert(!std::is_void_v<detail::call_result<Fn, detail::error_type_of<X>>>,
                          "pollux: map_err: the callable returns void; return the new error");
            if constexpr (stream<X>) {
                return detail::map_err_stream<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
            } else {
                return detail::map_err_future<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
            }
        }
    }
}

namespace detail {

struct map_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::map(std::forward<X>(x), std::forward<Fn>(fn));
    }
};
struct map_err_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::map_err(std::forward<X>(x), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::map_op, Fn> map(Fn fn) {
    return {std::move(fn)};
}

template <class Fn>
detail::pipe<detail::map_err_op, Fn> map_err(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0
