// SPDX-License-Identifier: MIT
// take takes streams.
// expect: pollux: take: the first argument is not a stream; it needs value_type, error_type and poll_next(context&)
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::iter({1}) | pollux::take(1);
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::ready(1) | pollux::take(1);
#endif
}
