// SPDX-License-Identifier: MIT
// The error of a verdict meets that of the stream.
// expect: pollux: take_while: the error types of the stream and of the callable's future differ
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::empty_stream<int, int>() | pollux::take_while([](int) { return pollux::fail<bool>(1); });
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::empty_stream<int, int>() | pollux::take_while([](int) { return pollux::fail<bool>('e'); });
#endif
}
