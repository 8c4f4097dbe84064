// SPDX-License-Identifier: MIT
// `poll_fn`: a future from its poll function.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class Fn>
class [[nodiscard]] poll_fn_future {
    using answer = std::remove_cvref_t<std::invoke_result_t<Fn&, context&>>;

public:
    using value_type = typename answer::value_type;
    using error_type = typename answer::error_type;

    constexpr explicit poll_fn_future(Fn fn) : fn_(std::move(fn)) {}

    constexpr answer poll(context& cx) { return detail::call(fn_, cx); }

private:
    [[no_unique_address]] Fn fn_;
};

template <class Fn>
concept poll_function =
    std::is_invocable_v<Fn&, context&> && is_polled<std::remove_cvref_t<std::invoke_result_t<Fn&, context&>>>;

}  // namespace detail

/// A future whose poll is `fn(context&)`, which returns a `polled<T, E>`. `fn` keeps the contract of a future itself.
///
/// Throws: what `fn` throws, out of the poll. Cancel: dropping it destroys `fn`. Cost: nothing beside `fn`.
template <class Fn>
constexpr auto poll_fn(Fn fn) {
    static_assert(
        detail::poll_function<Fn>,
        "pollux: poll_fn: the callable does not take a context& and return a polled<T, E>; write its return type out");
    if constexpr (detail::poll_function<Fn>) return detail::poll_fn_future<Fn>(std::move(fn));
}

}  // namespace pollux::inline v0
