// SPDX-License-Identifier: MIT
// The two streams of merge have items of one type.
// expect: pollux: merge: the items of the two streams have different types; make them one with map
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::merge(pollux::iter({1}), pollux::iter({2}));
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::merge(pollux::iter({1}), pollux::iter({2.5}));
#endif
}
