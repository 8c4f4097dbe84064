// SPDX-License-Identifier: MIT
// The `Sync` policy of the scheduler's queues and of its idle set: the standard atomics, and yield points that a simulation or a
// stress test can hear. Without a platform each is a test of a null pointer. fork_deque does without: there it would be felt.
#pragma once

#include "core/platform.hpp"
#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

struct switching_sync : std_sync {
    static void yield_point(const char* where) noexcept { detail::yield_point(where); }
};

}  // namespace pollux::inline v0::detail
