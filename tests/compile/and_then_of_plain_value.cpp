// SPDX-License-Identifier: MIT
// and_then goes on into a future; map is for a plain value.
// expect: pollux: and_then: the callable returns neither a future nor a std::expected; use map for a plain value
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::ready(1) | pollux::and_then([](int n) { return pollux::ready(n); });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::ready(1) | pollux::and_then([](int n) { return n; });
#endif
}
