// SPDX-License-Identifier: MIT
// What stands in for the value has to be one.
// expect: pollux: unwrap_or_else: what the callable returns does not convert to the value_type; return such a value
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::fail<int>('c') | pollux::unwrap_or_else([](char) { return 1; });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::fail<int>('c') | pollux::unwrap_or_else([](char) { return pollux::ready(1); });
#endif
}
