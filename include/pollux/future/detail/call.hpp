// SPDX-License-Identifier: MIT
// Calling what the user gave: functions, closures, pointers to members; with the value moved in, with nothing for
// `void`. Stands in for std::invoke, whose header costs more to compile than the combinators.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/polled.hpp"

namespace pollux::inline v0::detail {

template <class Member, class Object, class... Args>
constexpr decltype(auto) call_member(Member member, Object&& object, Args&&... args) {
    if constexpr (
        requires { std::forward<Object>(object).*member; } ||
        requires { (std::forward<Object>(object).*member)(std::forward<Args>(args)...); }) {
        if constexpr (std::is_member_function_pointer_v<Member>)
            return (std::forward<Object>(object).*member)(std::forward<Args>(args)...);
        else
            return (std::forward<Object>(object).*member);
    } else if constexpr (requires { *std::forward<Object>(object); }) {
        return detail::call_member(member, *std::forward<Object>(object), std::forward<Args>(args)...);
    } else {
        return detail::call_member(member, object.get(), std::forward<Args>(args)...);  // a std::reference_wrapper
    }
}

template <class Fn, class... Args>
constexpr decltype(auto) call(Fn& fn, Args&&... args) {
    if constexpr (std::is_member_pointer_v<std::remove_cv_t<Fn>>) {
        return detail::call_member(fn, std::forward<Args>(args)...);
    } else {
        return fn(std::forward<Args>(args)...);
    }
}

template <class Fn, class T>
struct call_traits {
    static constexpr bool is_callable = std::is_invocable_v<Fn&, T>;
    using result = std::invoke_result<Fn&, T>;
};
template <class Fn>
struct call_traits<Fn, void> {
    static constexpr bool is_callable = std::is_invocable_v<Fn&>;
    using result = std::invoke_result<Fn&>;
};

/// `fn` takes a `T`, or nothing where `T` is `void`.
template <class Fn, class T>
concept callable_with = call_traits<Fn, T>::is_callable;

template <class Fn, class T>
using call_result = typename call_traits<Fn, T>::result::type;

/// Moves `value` into `fn`; calls it with nothing where `T` is `void`.
template <class T, class Fn>
constexpr decltype(auto) call_with(Fn& fn, or_unit<T>& value) {
    if constexpr (std::is_void_v<T>) {
        return detail::call(fn);
    } else {
        return detail::call(fn, std::move(value));
    }
}

}  // namespace pollux::inline v0::detail
