// SPDX-License-Identifier: MIT
// What next takes is a stream.
// expect: pollux: next: the argument is not a stream; it needs value_type, error_type and poll_next(context&)
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::iter({1});
    auto fut = pollux::next(source);
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::next(pollux::ready(1));
#endif
}
