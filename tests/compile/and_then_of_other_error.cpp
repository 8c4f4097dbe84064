// SPDX-License-Identifier: MIT
// Two error types that differ do not meet by themselves.
// expect: pollux: and_then: the two error types differ; make them one with map_err or from_err
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::fail<int>(1) | pollux::and_then([](int) { return pollux::fail(2); });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::fail<int>(1) | pollux::and_then([](int) { return pollux::fail('c'); });
#endif
}
