// SPDX-License-Identifier: MIT
// The items of a stream that is forwarded convert to those of the sink.
// expect: pollux: forward: the items of the stream do not convert to the item_type of the sink
#include <string>

#include "pollux/sink.hpp"
#include "pollux/stream.hpp"

struct numbers {
    using item_type = int;
    using error_type = pollux::never;
    pollux::polled<> poll_ready(pollux::context&) { return pollux::polled<>::ready(); }
    pollux::polled<> poll_flush(pollux::context&) { return pollux::polled<>::ready(); }
    pollux::polled<> poll_close(pollux::context&) { return pollux::polled<>::ready(); }
    void start_send(int) {}
};

void program() {
    auto fut = pollux::iter({1}) | pollux::forward(numbers());
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({std::string("a")}) | pollux::forward(numbers());
#endif
}
