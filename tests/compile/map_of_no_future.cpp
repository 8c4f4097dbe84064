// SPDX-License-Identifier: MIT
// What is mapped is a future or a stream.
// expect: pollux: map: the first argument is not a future; it needs value_type, error_type and poll(context&)
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::ready(1) | pollux::map([](int n) { return n; });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = 1 | pollux::map([](int n) { return n; });
#endif
}
