// SPDX-License-Identifier: MIT
// A poll with a small budget, for tests of what loops: a source that is always ready may not keep it for ever.
#pragma once

#include <cstdint>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::test {

/// The budget of one poll, of `units`.
inline detail::poll_budget budget_of(std::int32_t units) {
    detail::poll_budget budget;
    budget.is_limited = true;
    budget.chunk_left = units;
    return budget;
}

/// Calls `fn(cx)` with a context that has `units` of budget and wakes `woken`.
template <class Fn>
auto with_budget(std::int32_t units, const waker& woken, Fn fn) {
    detail::poll_budget budget = budget_of(units);
    context cx(woken, &budget);
    return fn(cx);
}

/// Polls the future `fut` once with `units` of budget.
template <class F>
auto poll_within(F& fut, std::int32_t units, const waker& woken) {
    return with_budget(units, woken, [&fut](context& cx) { return fut.poll(cx); });
}

}  // namespace pollux::test
