// SPDX-License-Identifier: MIT
// A poll whose budget is spent, for tests of leaves: they keep their result then.
#pragma once

#include "pollux/core/context.hpp"
#include "pollux/core/waker.hpp"
#include "support/wake_counter.hpp"

namespace pollux::test {

/// Polls `fut` once with the waker of `counter` and no budget.
auto poll_without_budget(auto& fut, const wake_counter& counter) {
    const auto waker = counter.waker();
    detail::poll_budget spent;
    spent.is_limited = true;
    context cx(waker, &spent);
    return fut.poll(cx);
}

}  // namespace pollux::test
