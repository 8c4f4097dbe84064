// SPDX-License-Identifier: MIT
// What framed is given beside the byte stream is a codec.
// expect: pollux: io::framed: the second argument is no codec; it needs decode(byte_buffer&), decode_end(byte_buffer&), encode(std::string, byte_buffer&) and goes_on_after_error, as io::codec says
#include <utility>

#include "pollux/io.hpp"

void program() {
    auto ends = pollux::io::duplex(8);
    auto frames = pollux::io::framed(std::move(ends.first), pollux::io::lines_codec());
    static_cast<void>(frames);
#if defined(MUST_NOT_COMPILE)
    auto wrong = pollux::io::framed(std::move(ends.second), 80);
#endif
}
