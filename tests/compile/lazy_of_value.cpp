// SPDX-License-Identifier: MIT
// What is there already needs no callable.
// expect: pollux: lazy: the argument is not a callable without arguments; for a value there is ready
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::lazy([] { return 5; });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::lazy(5);
#endif
}
