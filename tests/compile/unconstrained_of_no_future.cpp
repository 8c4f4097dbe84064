// SPDX-License-Identifier: MIT
// What is polled without a budget is a future.
// expect: pollux: unconstrained: the argument is not a future; it needs value_type, error_type and poll(context&)
#include "pollux/runtime.hpp"

void program() {
    auto fut = pollux::unconstrained(pollux::yield_now());
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::unconstrained([] { return 2; });
#endif
}
