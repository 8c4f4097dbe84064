// SPDX-License-Identifier: MIT
// `lazy`: a future that is made at its first poll. What takes a callable in place of a future (`spawn`, `block_on`)
// wraps it in this, so that the callable lives as long as the coroutine that it may be.
#pragma once

#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class Fn>
class [[nodiscard]] lazy_future {
    using inner = called_future<Fn, void>;

public:
    using value_type = value_type_of<inner>;
    using error_type = error_type_of<inner>;

    explicit lazy_future(Fn fn) : fn_(std::move(fn)) {}

    polled<value_type, error_type> poll(context& cx) {
        if (inner_.is_untouched()) {
            inner_.emplace([this]() -> inner {
                unit nothing;
                return detail::call_future<void>(fn_, nothing);
            });
        }
        return (*inner_).poll(cx);
    }

private:
    [[no_unique_address]] Fn fn_;  // above the future that may point into it, so destroyed after it
    slot<inner> inner_;
};

}  // namespace detail

/// A future that calls `fn` at its first poll and goes on into what it returned: a future, a `std::expected` (its
/// error is the future's), or a plain value.
///
/// Throws: what `fn` throws, out of the poll.
/// Cancel: dropping it before its first poll never calls `fn`. `fn` is destroyed with the future, after what it
/// returned.
/// Cost: no allocation.
template <class Fn>
auto lazy(Fn fn) {
    static_assert(detail::callable_with<Fn, void>,
                  "pollux: lazy: the argument is not a callable without arguments; for a value there is ready");
    if constexpr (detail::callable_with<Fn, void>) return detail::lazy_future<Fn>(std::move(fn));
}

}  // namespace pollux::inline v0
