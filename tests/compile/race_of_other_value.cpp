// SPDX-License-Identifier: MIT
// A race has one value type; select keeps several apart.
// expect: pollux: race: the value types differ; make them one with map, or use select
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::race(pollux::ready(1), pollux::fail('c'));
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::race(pollux::ready(1), pollux::ready(1L));
#endif
}
