// SPDX-License-Identifier: MIT
// What the callable of fold returns is what it takes the next time.
// expect: pollux: fold: the callable does not return the next value, or a future of it, for what it returned before; give the first value that type
#include <string>

#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto fut = pollux::iter({1}) | pollux::fold(0, [](int sum, int n) { return sum + n; });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::fold(0, [](int sum, int n) { return std::to_string(sum + n); });
#endif
}
