// SPDX-License-Identifier: MIT
// Polls of the ends of an mpsc channel with a waker that counts.
#pragma once

#include "pollux/core/context.hpp"
#include "pollux/sync/mpsc.hpp"
#include "support/wake_counter.hpp"

namespace pollux::test {

auto poll_stream_with(auto& source, const wake_counter& counter) {
    const auto waker = counter.waker();
    context cx(waker);
    return source.poll_next(cx);
}
auto poll_ready_with(auto& sink, const wake_counter& counter) {
    const auto waker = counter.waker();
    context cx(waker);
    return sink.poll_ready(cx);
}
auto try_send(const auto& tx, int value) { return tx.try_send(value); }

}  // namespace pollux::test
