// SPDX-License-Identifier: MIT
// What fork_join returns refers to its arguments.
// expect: pollux: co_await: a fork_join is awaited in the expression that makes it; it cannot be kept
#include "pollux/coro.hpp"

pollux::task<int> child();

pollux::task<int> program() {
#if defined(MUST_NOT_COMPILE)
    auto kept = pollux::fork_join(child(), child());
    auto [one, other] = co_await kept;
#else
    auto [one, other] = co_await pollux::fork_join(child(), child());
#endif
    co_return one + other;
}
