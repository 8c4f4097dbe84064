// SPDX-License-Identifier: MIT
// A byte stream that is taken over is no lvalue.
// expect: pollux: io::lines: the byte stream is an lvalue, and it would be owned; pass std::move(s)
#include <utility>

#include "pollux/io.hpp"

void program() {
    auto ends = pollux::io::duplex(8);
    auto lines = pollux::io::lines(std::move(ends.first));
    static_cast<void>(lines);
#if defined(MUST_NOT_COMPILE)
    auto wrong = pollux::io::lines(ends.second);
#endif
}
