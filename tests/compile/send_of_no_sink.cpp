// SPDX-License-Identifier: MIT
// What send sends to is a sink.
// expect: pollux: send: the first argument is not a sink; it needs item_type, error_type, poll_ready, start_send, poll_flush and poll_close
#include "pollux/sink.hpp"

struct numbers {
    using item_type = int;
    using error_type = pollux::never;
    pollux::polled<> poll_ready(pollux::context&) { return pollux::polled<>::ready(); }
    pollux::polled<> poll_flush(pollux::context&) { return pollux::polled<>::ready(); }
    pollux::polled<> poll_close(pollux::context&) { return pollux::polled<>::ready(); }
    void start_send(int) {}
};

struct half {
    using item_type = int;
    using error_type = pollux::never;
    void start_send(int) {}
};

void program() {
    numbers target;
    auto fut = pollux::send(target, 1);
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    half bad;
    auto wrong = pollux::send(bad, 1);
#endif
}
