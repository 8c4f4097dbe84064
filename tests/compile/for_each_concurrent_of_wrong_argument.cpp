// SPDX-License-Identifier: MIT
// The callable of for_each_concurrent takes the items.
// expect: pollux: for_each_concurrent: the callable does not take the item;
#include "pollux/stream.hpp"

void program() {
    auto fut = pollux::iter({1}) | pollux::for_each_concurrent(2, [](int) {});
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::for_each_concurrent(2, [](const char*) {});
#endif
}
