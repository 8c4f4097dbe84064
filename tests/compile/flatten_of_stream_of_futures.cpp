// SPDX-License-Identifier: MIT
// A stream of futures is not flattened: buffered says how many of them run at the same time.
// expect: pollux: flatten: the items of the stream are not streams; map them to streams first
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::iter({1}) | pollux::map([](int n) { return pollux::iter({n}); }) | pollux::flatten();
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::map([](int n) { return pollux::ready(n); }) | pollux::flatten();
#endif
}
