// SPDX-License-Identifier: MIT
// Two value types that differ do not meet.
// expect: pollux: or_else: the two value types differ; make them one with map
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::fail<int>(1) | pollux::or_else([](int) { return pollux::ready(2); });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::fail<int>(1) | pollux::or_else([](int) { return pollux::ready('c'); });
#endif
}
