// SPDX-License-Identifier: MIT
// An error that was seen is shown and kept.
// expect: pollux: peek: the error of the stream cannot be copied, so it cannot be shown and kept; make another of it
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

#include <memory>

void program() {
    auto source = pollux::empty_stream<int, std::unique_ptr<int>>() | pollux::peekable();
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = source.peek();
#endif
}
