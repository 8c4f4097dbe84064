// SPDX-License-Identifier: MIT
// An item of a stream is an object.
// expect: pollux: map: the callable for a stream returns void; return a value, or unit
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::iter({1}) | pollux::map([](int) { return pollux::unit{}; });
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::map([](int) {});
#endif
}
