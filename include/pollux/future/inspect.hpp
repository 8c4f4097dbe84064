// SPDX-License-Identifier: MIT
// `inspect` and `inspect_err`: a look at the value, or at the error, on its way. Both take streams too: their classes
// for them stand in pollux/stream/inspect.hpp.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

/// What a callable is shown of a `T`: a const reference; nothing for `void`.
template <class T>
struct shown {
    using type = const T&;
};
template <>
struct shown<void> {
    using type = void;
};

template <class Fn, class T>
concept inspects = callable_with<Fn, typename shown<T>::type>;

// A future, or a stream, that the callable returned would be dropped without a poll.
template <class Fn, class T>
inline constexpr bool inspects_at_once =
    !future<call_result<Fn, typename shown<T>::type>> && !stream<call_result<Fn, typename shown<T>::type>>;

template <class T, class Fn>
constexpr void show(Fn& fn, const or_unit<T>& value) {
    if constexpr (std::is_void_v<T>) {
        static_cast<void>(detail::call(fn));
    } else {
        static_cast<void>(detail::call(fn, value));
    }
}

template <class F, class Fn>
class [[nodiscard]] inspect_future {
public:
    using value_type = value_type_of<F>;
    using error_type = error_type_of<F>;

    inspect_future(F fut, Fn fn) : fn_(std::move(fn)), fut_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        auto inner = (*fut_).poll(cx);
        if (inner.is_pending()) return inner;
        fut_.reset();
        if (inner.has_value()) detail::show<value_type>(fn_, inner.value());
        return inner;
    }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] kept_until_ready<F> fut_;
};

template <class F, class Fn>
class [[nodiscard]] inspect_err_future {
public:
    using value_type = value_type_of<F>;
    using error_type = error_type_of<F>;

    inspect_err_future(F fut, Fn fn) : fn_(std::move(fn)), fut_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        auto inner = (*fut_).poll(cx);
        if (inner.is_pending()) return inner;
        fut_.reset();
        if (inner.has_error()) detail::show<error_type>(fn_, inner.error());
        return inner;
    }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] kept_until_ready<F> fut_;
};

template <class S, class Fn>
class inspect_stream;
template <class S, class Fn>
class inspect_err_stream;

}  // namespace detail

/// Calls `fn` with the value of a future, or with each item of a stream, as `const T&` (with nothing for `void`), and
/// hands it on; errors pass. What `fn` returns is ignored. A future is destroyed before `fn` is called, a stream kept,
/// and so is a future whose value is a future or a stream, which may point into it.
///
/// Throws: what `fn` throws, out of the poll; the value, or the item, is lost then.
/// Threads: `fn` runs in the poll, and is destroyed with the result of `inspect`.
/// Cancel: dropping it destroys `x`; it holds no item of a stream.
template <class X, class Fn>
auto inspect(X&& x, Fn fn) {
    static_assert(
        future<X> || stream<X>,
        "pollux: inspect: the first argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: inspect: the first argument is both a future and a stream; wrap the one that is meant");
    if constexpr (!future<X> && !stream<X>) {
        detail::require_future<X>();
    } else {
        using value = detail::value_type_of<X>;
        static_assert(detail::inspects<Fn, value>,
                      "pollux: inspect: the callable does not take the value; it is called with a const reference to "
                      "it, with nothing if it is void");
        if constexpr (detail::inspects<Fn, value>) {
            static_assert(detail::inspects_at_once<Fn, value>,
                          "pollux: inspect: the callable returns a future, which nobody would poll; use and_then");
            if constexpr (stream<X>) {
                return detail::inspect_stream<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
            } else {
                return detail::inspect_future<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
            }
        }
    }
}

/// Calls `fn` with the error of a future, or with each error of a stream, as `const E&`, and hands it on; values pass.
/// What `fn` returns is ignored. A future is destroyed before `fn` is called, a stream kept,
/// and so is a future whose value is a future or a stream, which may point into it.
///
/// Throws: what `fn` throws, out of the poll; the error is lost then.
/// Threads: `fn` runs in the poll, and is destroyed with the result of `inspect_err`.
/// Cancel: dropping it destroys `x`; it holds no item of a stream.
template <class X, class Fn>
auto inspect_err(X&& x, Fn fn) {
    static_assert(
        future<X> || stream<X>,
        "pollux: inspect_err: the first argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: inspect_err: the first argument is both a future and a stream; wrap the one that is meant");
    if constexpr (!future<X> && !stream<X>) {
        detail::require_future<X>();
    } else {
        using error = detail::error_type_of<X>;
        static_assert(detail::inspects<Fn, error>,
                      "pollux: inspect_err: the callable does not take the error; it is called with a const reference "
                      "to it (what cannot fail has the error_type never)");
        if constexpr (detail::inspects<Fn, error>) {
            static_assert(detail::inspects_at_once<Fn, error>,
                          "pollux: inspect_err: the callable returns a future, which nobody would poll; use or_else");
            if constexpr (stream<X>) {
                return detail::inspect_err_stream<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
            } else {
                return detail::inspect_err_future<detail::owned<X>, Fn>(detail::own(std::forward<X>(x)), std::move(fn));
            }
        }
    }
}

namespace detail {

struct inspect_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::inspect(std::forward<X>(x), std::forward<Fn>(fn));
    }
};
struct inspect_err_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::inspect_err(std::forward<X>(x), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::inspect_op, Fn> inspect(Fn fn) {
    return {std::move(fn)};
}

template <class Fn>
detail::pipe<detail::inspect_err_op, Fn> inspect_err(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0
