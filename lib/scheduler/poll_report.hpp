// SPDX-License-Identifier: MIT
// The lines about polls that take too long. The watchdog reports one while it runs; the worker that was in it says more when it
// ends, for only then is what the task waits for at rest.
#pragma once

#include <chrono>

#include "pollux/core/task_header.hpp"
#include "pollux/runtime/long_poll.hpp"

namespace pollux::inline v0::detail {

struct promise_base;

/// One line on stderr. `left_out`: reports since the last one.
void print_long_poll(const long_poll& what, unsigned long left_out) noexcept;

/// The end of one that went to stderr. `waiting`: the root of the unit whose frames wait, which nobody polls now, or null.
void report_end_of_poll(task_id task, std::chrono::nanoseconds took, promise_base* waiting) noexcept;

}  // namespace pollux::inline v0::detail
