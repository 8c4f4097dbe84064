// SPDX-License-Identifier: MIT
// The callable of poll_fn returns a polled.
// expect: pollux: poll_fn: the callable does not take a context& and return a polled<T, E>; write its return type out
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::poll_fn([](pollux::context&) -> pollux::polled<int> { return 1; });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::poll_fn([](pollux::context&) { return 1; });
#endif
}
