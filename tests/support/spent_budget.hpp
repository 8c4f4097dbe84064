// SPDX-License-Identifier: MIT
// A poll whose budget is spent, for tests of leaves: they keep their result then.
#pragma once

#include "support/limited_poll.hpp"
#include "support/wake_counter.hpp"

namespace pollux::test {

/// Polls `fut` once with the waker of `counter` and no budget.
auto poll_without_budget(auto& fut, const wake_counter& counter) { return poll_within(fut, 0, counter.waker()); }

}  // namespace pollux::test
