// SPDX-License-Identifier: MIT
// The callable of for_each returns nothing that could be lost.
// expect: pollux: for_each: the callable returns a value, which would be lost; return nothing, or a future of void
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto fut = pollux::iter({1}) | pollux::for_each([](int) { return pollux::ready(); });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::for_each([](int n) { return pollux::ready(n); });
#endif
}
