// SPDX-License-Identifier: MIT
// A set of futures holds futures.
// expect: pollux: futures_unordered: the type is not a future; it needs value_type, error_type and poll(context&)
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    pollux::futures_unordered<pollux::boxed_future<int>> set;
    set.push(pollux::ready(1));
#if defined(MUST_NOT_COMPILE)
    pollux::futures_unordered<int> bad;
#endif
}
