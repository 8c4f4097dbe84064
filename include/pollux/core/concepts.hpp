// SPDX-License-Identifier: MIT
// What a future, a stream and a sink are: three concepts, without a base class, and the types read off them. Used by
// all that takes a future from outside.
//
// References and const are looked through: a combinator is handed `F&&` and decides itself whether to copy, move or
// lend. A concept that fails is silent, so what takes a future in a public function states with a static_assert what
// is missing; `detail::require_future` and its like add which part it is.
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>

#include "pollux/core/polled.hpp"

namespace pollux::inline v0 {

class context;

namespace detail {

template <class F>
using value_type_of = typename std::remove_cvref_t<F>::value_type;
template <class F>
using error_type_of = typename std::remove_cvref_t<F>::error_type;

template <class F>
concept has_value_type = requires { typename value_type_of<F>; };
template <class F>
concept has_error_type = requires { typename error_type_of<F>; };

// Each asks for the named types first: without them the result type has no spelling, and with a `void` item the
// optional would be an error of its own.
template <class F>
concept has_poll = has_value_type<F> && has_error_type<F> && requires(std::remove_cvref_t<F>& fut, context& cx) {
    { fut.poll(cx) } -> std::same_as<polled<value_type_of<F>, error_type_of<F>>>;
};
template <class S>
concept has_object_items = has_value_type<S> && std::is_object_v<value_type_of<S>>;
template <class S>
concept has_poll_next =
    has_object_items<S> && has_error_type<S> && requires(std::remove_cvref_t<S>& source, context& cx) {
        { source.poll_next(cx) } -> std::same_as<polled<std::optional<value_type_of<S>>, error_type_of<S>>>;
    };

template <class K>
struct item_type_of {
    using type = never;
};
template <class K>
    requires requires { typename K::item_type; }
struct item_type_of<K> {
    using type = typename K::item_type;
};
template <class K>
using item_type_or_never = typename item_type_of<std::remove_cvref_t<K>>::type;

template <class K, class T>
concept has_sink_members = has_error_type<K> && requires { typename std::remove_cvref_t<K>::item_type; } &&
                           requires(std::remove_cvref_t<K>& k, context& cx, T (*item)()) {
                               { k.poll_ready(cx) } -> std::same_as<polled<void, error_type_of<K>>>;
                               { k.start_send(item()) } -> std::same_as<outcome<void, error_type_of<K>>>;
                               { k.poll_flush(cx) } -> std::same_as<polled<void, error_type_of<K>>>;
                               { k.poll_close(cx) } -> std::same_as<polled<void, error_type_of<K>>>;
                           };

}  // namespace detail

/// `F::value_type`, `F::error_type`, and `f.poll(cx)` returns exactly `polled<value_type, error_type>`.
template <class F>
concept future = detail::has_poll<F>;

/// `S::value_type`, an object, `S::error_type`, and `s.poll_next(cx)` returns exactly
/// `polled<std::optional<value_type>, error_type>`. An error does not end a stream, `std::nullopt` does.
template <class S>
concept stream = detail::has_poll_next<S>;

/// `K::item_type`, `K::error_type`; `poll_ready(cx)`, `poll_flush(cx)` and `poll_close(cx)` return exactly
/// `polled<void, error_type>`; `start_send(T)`, only after `poll_ready` gave a value, returns `outcome<void,
/// error_type>`.
template <class K, class T = detail::item_type_or_never<K>>
concept sink = detail::has_sink_members<K, T>;

/// The outcome of a future, or of one item of a stream.
template <class F>
using outcome_of = outcome<detail::value_type_of<F>, detail::error_type_of<F>>;

namespace detail {

/// An outcome where an object is needed.
template <class F>
using stored_outcome_of = or_unit<outcome_of<F>>;

/// Says which part of a future the type lacks. A combinator calls it after its own static_assert, which names the
/// combinator: compilers print them in this order.
template <class F>
consteval void require_future() {
    static_assert(has_value_type<F>, "pollux: the type has no member type value_type; it is not a future");
    static_assert(has_error_type<F>, "pollux: the type has no member type error_type; use never if it cannot fail");
    if constexpr (has_value_type<F> && has_error_type<F>) {
        static_assert(has_poll<F>,
                      "pollux: the type has no poll(context&) that returns exactly polled<value_type, error_type>");
    }
}

/// The same for a stream.
template <class S>
consteval void require_stream() {
    static_assert(has_value_type<S>, "pollux: the type has no member type value_type; it is not a stream");
    static_assert(has_error_type<S>, "pollux: the type has no member type error_type; use never if it cannot fail");
    if constexpr (has_value_type<S> && has_error_type<S>) {
        static_assert(has_object_items<S>, "pollux: a stream's value_type is an object; use unit instead of void");
        if constexpr (has_object_items<S>) {
            static_assert(has_poll_next<S>,
                          "pollux: the type has no poll_next(context&) that returns exactly "
                          "polled<std::optional<value_type>, error_type>");
        }
    }
}

/// The same for a sink.
template <class K>
consteval void require_sink() {
    constexpr bool has_item_type = requires { typename std::remove_cvref_t<K>::item_type; };
    static_assert(has_item_type, "pollux: the type has no member type item_type; it is not a sink");
    static_assert(has_error_type<K>, "pollux: the type has no member type error_type; use never if it cannot fail");
    if constexpr (has_item_type && has_error_type<K>) {
        static_assert(sink<K>,
                      "pollux: the type lacks one of poll_ready(context&), poll_flush(context&), poll_close(context&) "
                      "that return exactly polled<void, error_type>, and start_send(item_type) that returns "
                      "outcome<void, error_type>");
    }
}

}  // namespace detail

}  // namespace pollux::inline v0
