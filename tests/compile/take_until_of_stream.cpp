// SPDX-License-Identifier: MIT
// What ends the stream of take_until is a future.
// expect: pollux: take_until: the second argument is not a future; it needs value_type, error_type and poll(context&)
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::iter({1}) | pollux::take_until(pollux::ready());
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::take_until(pollux::iter({2}));
#endif
}
