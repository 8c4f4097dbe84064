// SPDX-License-Identifier: MIT
// How a destructor cancels and waits for tasks: children that may borrow from what is about to go. Called by fork_fallback's side of the
// scheduler and by task_scope.
//
// A child that is idle stands in no queue. If the destructor runs on a worker of its runtime, that claims it (task_state.hpp) and ends it
// there and then, however much is queued: queued itself it would have to be looked for, and of N parents that end together each would
// turn over what all of them have queued. So does the end of a runtime, which cancels all: it leaves children to their parents as long as
// a worker has anything to do (runtime_core::end_rest). Other children are aborted, and waited for: a worker destroys them at their next
// scheduling, so it takes one poll at most, of another worker. One look at the queues is for all of them.
//
// Nobody is waited for idly where that could be for ever: what ends a task may stand in this worker's queues, where nobody else may
// come to it, so a worker runs what belongs to those tasks, and nothing else: a stranger's destructor may want what the code above this one
// holds.
#pragma once

#include "core/platform.hpp"
#include "pollux/core/task_state.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/task_waker.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

/// Children that are cancelled, one after the other, and those of them that this thread has to end itself.
class cancelled_children {
public:
    explicit cancelled_children(runtime_core& core) noexcept
        : self_(this_worker() != nullptr && &this_worker()->core() == &core ? this_worker() : nullptr) {}

    /// It is not freed meanwhile. Under a lock of the parent's, too: no user code runs.
    void cancel(task_header& child) noexcept {
        if (self_ == nullptr || !task_states::try_claim(child.state)) return abort_task(child);
        child.next = nullptr;  // the queue link of a task that is idle nobody has
        (last_ != nullptr ? last_->next : first_) = &child;
        last_ = &child;
    }
    /// Ends those that were claimed, in this order. Behind the last cancel().
    void end() noexcept {
        while (first_ != nullptr) {
            auto& child = static_cast<task_header&>(*first_);
            first_ = child.next;  // its block is told there when the future is gone
            self_->end_claimed(child);
        }
    }

private:
    worker* const self_;  // null: this thread is no worker of that runtime
    runnable* first_ = nullptr;
    runnable* last_ = nullptr;
};

/// Returns when all have ended. `core` outlives the call. Threads: any.
inline void wait_for_cancelled(runtime_core& core, waited_tasks& tasks) noexcept {
    while (!tasks.are_over()) {
        worker* const self = this_worker();
        if (self != nullptr && &self->core() == &core) {
            if (self->run_those_of(tasks)) continue;
        } else if (!core.has_threads()) {
            // Perhaps nobody drives: then this thread does, for these tasks only.
            if (const auto seat = core.seat().try_take(seat_stay::turn)) {
                const worker::entered scope(*core.workers().front());
                if (core.workers().front()->run_those_of(tasks)) continue;
            }
        }
        wait_a_turn();
    }
}

}  // namespace pollux::inline v0::detail
