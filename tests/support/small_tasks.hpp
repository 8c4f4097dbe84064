// SPDX-License-Identifier: MIT
// Tasks that tests of handles and sets of tasks spawn: one that waits, one that is ready, one that throws.
#pragma once

#include <atomic>
#include <stdexcept>

#include "pollux/coro/task.hpp"
#include "pollux/runtime/yield.hpp"
#include "support/manual_event.hpp"
#include "support/tracked.hpp"

namespace pollux::test {

/// Waits for `event` and gives `result`. Its frame counts in `alive` from the first poll on.
inline task<int> waits(manual_event event, std::atomic<int>& alive, int result = 5) {
    const tracked local(alive);
    auto fut = event.wait();
    co_await fut;
    co_return result;
}

/// Its frame counts in `alive` from the first poll on.
inline task<> yields_for_ever(std::atomic<int>& alive) {
    const tracked local(alive);
    for (;;) co_await yield_now();
}

inline task<int> number(int n) { co_return n; }

/// In its second poll.
inline task<int> throws(const char* what) {
    co_await yield_now();
    throw std::runtime_error(what);
}

}  // namespace pollux::test
