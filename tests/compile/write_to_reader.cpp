// SPDX-License-Identifier: MIT
// What is written to has the members for that.
// expect: pollux: io::write_all: the first argument is no byte stream that can be written; it needs poll_write(context&, io::const_span), poll_flush(context&) and poll_shutdown(context&)
#include <utility>

#include "pollux/io.hpp"

void program() {
    auto ends = pollux::io::duplex(8);
    auto halves = std::move(ends.first).split();
    auto fut = pollux::io::write_all(halves.second, "bytes");
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto wrong = pollux::io::write_all(halves.first, "bytes");
#endif
}
