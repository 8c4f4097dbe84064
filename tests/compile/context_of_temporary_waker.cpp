// SPDX-License-Identifier: MIT
// A context refers to its waker, so it is not made from one that dies at once.
// expect: deleted
#include "pollux/core/context.hpp"
#include "pollux/core/waker.hpp"

void poll_with_waker() {
    const pollux::waker waker;
    pollux::context cx(waker);
#if defined(MUST_NOT_COMPILE)
    pollux::context dangling{pollux::waker()};
#endif
}
