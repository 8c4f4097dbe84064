// SPDX-License-Identifier: MIT
// Each argument of select is a future.
// expect: pollux: select: an argument is not a future; it needs value_type, error_type and poll(context&)
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::select(pollux::ready(1), pollux::ready(2));
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::select(pollux::ready(1), 2);
#endif
}
