// SPDX-License-Identifier: MIT
// A temporary that is const is one all the same: what a function returns as `const waker`, or a const one that is moved.
// expect: deleted
#include "pollux/core/context.hpp"
#include "pollux/core/waker.hpp"

const pollux::waker make();

void poll_with_waker() {
    const pollux::waker waker = make();
    pollux::context cx(waker);
#if defined(MUST_NOT_COMPILE)
    pollux::context dangling{make()};
#endif
}
