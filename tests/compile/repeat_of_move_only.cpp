// SPDX-License-Identifier: MIT
// What is repeated is copied.
// expect: pollux: repeat: the value cannot be copied; use unfold or poll_stream_fn, which make each item
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

#include <memory>

void program() {
    auto source = pollux::repeat(1);
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::repeat(std::make_unique<int>(1));
#endif
}
