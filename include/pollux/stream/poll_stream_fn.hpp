// SPDX-License-Identifier: MIT
// `poll_stream_fn`: a stream from its poll function.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class Answer>
struct stream_answer {
    static constexpr bool fits = false;
};
template <class T, class E>
struct stream_answer<polled<std::optional<T>, E>> {
    static constexpr bool fits = true;
    using item = T;
};

template <class Fn>
class [[nodiscard]] poll_fn_stream {
    using answer = std::remove_cvref_t<std::invoke_result_t<Fn&, context&>>;

public:
    using value_type = typename stream_answer<answer>::item;
    using error_type = typename answer::error_type;

    constexpr explicit poll_fn_stream(Fn fn) : fn_(std::move(fn)) {}

    constexpr answer poll_next(context& cx) { return detail::call(fn_, cx); }

private:
    [[no_unique_address]] Fn fn_;
};

template <class Fn>
concept poll_next_function =
    std::is_invocable_v<Fn&, context&> && stream_answer<std::remove_cvref_t<std::invoke_result_t<Fn&, context&>>>::fits;

}  // namespace detail

/// A stream whose poll is `fn(context&)`, which returns a `polled<std::optional<T>, E>`; `std::nullopt` is the end.
/// `fn` keeps the contract of a stream itself.
///
/// Throws: what `fn` throws, out of the poll. Cancel: dropping it destroys `fn`. Cost: nothing beside `fn`.
template <class Fn>
constexpr auto poll_stream_fn(Fn fn) {
    static_assert(
        detail::poll_next_function<Fn>,
        "pollux: poll_stream_fn: the callable does not take a context& and return a polled<std::optional<T>, E>; write "
        "its return type out");
    if constexpr (detail::poll_next_function<Fn>) return detail::poll_fn_stream<Fn>(std::move(fn));
}

}  // namespace pollux::inline v0
