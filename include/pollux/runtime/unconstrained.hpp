// SPDX-License-Identifier: MIT
// `unconstrained`: polls a future without the budget of the task it is in.
#pragma once

#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/own.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class F>
class [[nodiscard]] unconstrained_future {
public:
    using value_type = typename F::value_type;
    using error_type = typename F::error_type;

    explicit unconstrained_future(F fut) : fut_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        // What is inside finds the runtime here, too.
        poll_budget unlimited;
        unlimited.runtime = cx.runtime();
        context inner(cx.waker(), &unlimited);
        return fut_.poll(inner);
    }

private:
    [[no_unique_address]] F fut_;
};

}  // namespace detail

/// `x` without a budget: as long as what it awaits is ready, it goes on in one poll, and the other tasks of this worker wait. For a
/// future that is known to wait soon, or to give way by itself with `yield_now`. Children of a `fork_join` inside have budgets of
/// their own.
///
/// Errors: as those of `x`. Throws: what `x` throws.
/// Cancel: dropping it destroys `x`.
/// Cost: no allocation.
template <class X>
auto unconstrained(X&& x) {
    static_assert(
        future<X>,
        "pollux: unconstrained: the argument is not a future; it needs value_type, error_type and poll(context&)");
    if constexpr (future<X>)
        return detail::unconstrained_future<detail::owned<X>>(detail::own(std::forward<X>(x)));
    else
        detail::require_future<X>();
}

}  // namespace pollux::inline v0
