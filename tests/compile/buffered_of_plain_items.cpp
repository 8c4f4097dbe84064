// SPDX-License-Identifier: MIT
// The items of a buffered stream are futures.
// expect: pollux: buffered: the items of the stream are not futures; map them to futures first
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::iter({1}) | pollux::map([](int n) { return pollux::ready(n); }) | pollux::buffered(1);
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::buffered(1);
#endif
}
