// SPDX-License-Identifier: MIT
// A predicate says yes or no.
// expect: pollux: filter: the callable returns neither a bool nor a future of one
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::iter({1}) | pollux::filter([](int) { return pollux::ready(true); });
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::filter([](int) {});
#endif
}
