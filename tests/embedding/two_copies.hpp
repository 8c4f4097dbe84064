// SPDX-License-Identifier: MIT
// What two_copies.cpp and the plugin other_copy.cpp know of each other.
#pragma once

#include <cstdint>

#include "pollux/core.hpp"

struct answers {
    bool plugin_is_in_no_runtime = false;  // although the host's thread is in one
    int sum = 0;                           // 10, if the host's function said 0 on a worker of the plugin
    std::uint64_t plugin_alive = 0;        // tasks of the plugin's runtime that are left: the one whose waker is kept
};

extern "C" {
/// Starts a runtime in the plugin and lets it work; `host` is called by a task there. `kept`: the waker of a task that waits.
[[gnu::visibility("default")]] void begin_work(int (*host)(), pollux::waker& kept, answers& seen);
/// Ends it. Returns the number of polls until then.
[[gnu::visibility("default")]] std::uint64_t end_work();
}
