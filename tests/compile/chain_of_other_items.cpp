// SPDX-License-Identifier: MIT
// Streams that are chained have the same items.
// expect: pollux: chain: the two streams have different items; make them one type with map
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::iter({1}) | pollux::chain(pollux::iter({2}));
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::chain(pollux::iter({'2'}));
#endif
}
