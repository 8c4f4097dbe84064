// SPDX-License-Identifier: MIT
// Waking, aborting and freeing a task from wherever its header is known: what its wakers and handles call. The state word
// decides who may do what (task_state.hpp); this file does it.
#pragma once

#include "pollux/core/task_header.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

class runtime_core;

/// The table of wakers that point to a task_header.
extern const waker_table task_waker_table;

void wake_task(task_header& task) noexcept;
/// The same, and gives up a waker's reference.
void wake_and_drop_task(task_header& task) noexcept;
void abort_task(task_header& task) noexcept;
/// Behind task_states::mark_cancelled(): whoever runs it next destroys its future. Perhaps more than once.
void end_marked_task(task_header& task) noexcept;
/// Gives up references; frees the block with the last.
void drop_task_references(task_header& task, unsigned count) noexcept;

}  // namespace pollux::inline v0::detail
