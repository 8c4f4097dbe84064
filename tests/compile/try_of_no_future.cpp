// SPDX-License-Identifier: MIT
// What is tried is a future, a std::expected or a std::unexpected.
// expect: pollux: try_: the argument is neither a future nor a std::expected or std::unexpected
#include "pollux/coro.hpp"

pollux::task<int> program() {
    int sum = 0;
#if defined(MUST_NOT_COMPILE)
    sum += co_await pollux::try_(3);
#endif
    co_return sum;
}
