// SPDX-License-Identifier: MIT
// What is split is a sink, too.
// expect: pollux: split: the argument is not a sink; it needs item_type, error_type, poll_ready, start_send, poll_flush and poll_close
#include <optional>

#include "pollux/sink.hpp"
#include "pollux/stream.hpp"

struct both {
    using value_type = int;
    using item_type = int;
    using error_type = pollux::never;
    pollux::polled<std::optional<int>> poll_next(pollux::context&) { return 1; }
    pollux::polled<> poll_ready(pollux::context&) { return pollux::polled<>::ready(); }
    pollux::polled<> poll_flush(pollux::context&) { return pollux::polled<>::ready(); }
    pollux::polled<> poll_close(pollux::context&) { return pollux::polled<>::ready(); }
    void start_send(int) {}
};

void program() {
    auto halves = pollux::split(both());
    static_cast<void>(halves);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::split(pollux::iter({1}));
#endif
}
