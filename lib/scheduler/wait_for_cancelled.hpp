// SPDX-License-Identifier: MIT
// How a destructor waits for tasks that it has aborted: children that may borrow from what is about to go. A worker destroys them at
// their next scheduling, so it takes one poll at most, of another worker. Called by fork_fallback's side of the scheduler and by
// task_scope.
//
// Nobody is waited for idly where that could be for ever: what ends a task may stand in this worker's queues, where nobody else may
// come to it, so a worker runs what belongs to those tasks, and nothing else: a stranger's destructor may want what the code above this one
// holds.
#pragma once

#include "core/platform.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

/// Returns when `is_over`, which the end of the last of these tasks makes true. `core` outlives the call. Threads: any.
template <class Condition>
void wait_for_cancelled(runtime_core& core, const waited_tasks& tasks, Condition is_over) noexcept {
    while (!is_over()) {
        worker* const self = this_worker();
        if (self != nullptr && &self->core() == &core) {
            if (self->run_one_of(tasks)) continue;
        } else if (!core.has_threads()) {
            // Perhaps nobody drives: then this thread does, for these tasks only.
            if (const auto seat = core.seat().try_take(seat_stay::turn)) {
                const worker::entered scope(*core.workers().front());
                if (core.workers().front()->run_one_of(tasks)) continue;
            }
        }
        wait_a_turn();
    }
}

}  // namespace pollux::inline v0::detail
