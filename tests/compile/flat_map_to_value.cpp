// SPDX-License-Identifier: MIT
// The callable of flat_map returns a stream.
// expect: pollux: flat_map: the callable returns no stream; use map for a value, then and buffered for a future
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::iter({1}) | pollux::flat_map([](int n) { return pollux::repeat(n); });
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::flat_map([](int n) { return n; });
#endif
}
