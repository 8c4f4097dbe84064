// SPDX-License-Identifier: MIT
// What on_long_poll is told.
#pragma once

#include <chrono>
#include <source_location>

#include "pollux/core/task_header.hpp"

namespace pollux::inline v0 {

/// A poll that has taken longer than watchdog_limit, and still runs.
struct long_poll {
    task_id task;
    std::source_location
        spawned_at;  ///< where the task was spawned; without a file if the library has made it, for a fork
    std::chrono::nanoseconds so_far;  ///< since the poll has begun, or block_in_place in it has ended
};

}  // namespace pollux::inline v0
