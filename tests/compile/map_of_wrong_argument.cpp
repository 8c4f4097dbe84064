// SPDX-License-Identifier: MIT
// A callable takes the value.
// expect: pollux: map: the callable does not take the value
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::ready() | pollux::map([] { return 1; });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::ready() | pollux::map([](int n) { return n; });
#endif
}
