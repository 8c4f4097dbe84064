// SPDX-License-Identifier: MIT
// All children of a try_join fail with the same type, or not at all.
// expect: pollux: try_join: the error types differ; make them one with map_err or from_err
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::try_join(pollux::ready(1), pollux::fail<int>('c'), pollux::fail('d'));
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::try_join(pollux::fail<int>('c'), pollux::fail<int>(1));
#endif
}
