// SPDX-License-Identifier: MIT
// What inspect's callable returns is ignored, and a future that nobody polls does nothing.
// expect: pollux: inspect: the callable returns a future, which nobody would poll; use and_then
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::ready(1) | pollux::inspect([](int n) { return n; });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::ready(1) | pollux::inspect([](int) { return pollux::ready(); });
#endif
}
