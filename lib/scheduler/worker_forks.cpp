// SPDX-License-Identifier: MIT
// What a worker does with forks, but for the push and pop of each (coro/fork_point.hpp): it starts children that came from a queue or a
// theft, and once in a while looks whether the task may go on. Called by the loop and by forks.
#include <cstdint>

#include "core/ticks.hpp"
#include "coro/drive.hpp"
#include "pollux/core/task_state.hpp"
#include "pollux/coro/fork_point.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

bool worker::must_end(const task_header& polled) const noexcept {
    return task_states::is_cancelled(polled.state) || core_.is_ending();
}

void worker::run_fork(fork_point& point) noexcept {
    task_header& polled = *point.task;
    begin_poll(polled);
    const poll_end end = must_end(polled) ? abandon_children(*this, point) : drive(*this, point.start_next(*this));
    end_poll(polled, end);
}

// A child of a fork has suspended: its parent's point, and those above, stand on the deque. Nothing else is polled before they are
// gone, so that a child that ends and pops a point has found its own parent. Who has polled without forks need not ask.
void worker::run_forks_left() noexcept {
    while (!forks.owner_sees_empty()) {
        fork_point* const point = forks.pop();
        if (point == nullptr) break;
        ++point->stolen;
        run_fork(*point);
    }
}

void queued_fork::run(execution& self) noexcept {
    static_cast<worker&>(self).run_fork(point_);
    static_cast<worker&>(self).run_forks_left();
}

void worker::begin_fork_budget() noexcept {
    count_.forks.add(std::uint32_t{forks_per_look - fork_budget});
    fork_budget = forks_per_look;
}

bool worker::leave_if_slice_is_over(fork_point& point) noexcept {
    const std::uint64_t now = ticks_now();
    if (now < budget_.deadline) return false;
    fire_sleeps();
    if (queue_.looks_empty() && slot_.looks_empty() && core_.injection().looks_empty()) {
        set_stamp(now + slice_ticks_);
        return false;
    }
    let_go(nullptr);  // once they are in the queue, others may end it
    while (fork_point* const older = forks.pop()) {
        ++older->stolen;
        push_back(older->for_queue());
    }
    push_back(point.for_queue());
    return true;
}

bool look_before_fork(execution& base, fork_point& point) noexcept {
    auto& self = static_cast<worker&>(base);
    self.begin_fork_budget();
    if (self.must_end(*point.task)) {
        self.next_frame = point.parent;
        self.suspension = suspension_kind::abandoned;
        return false;
    }
    if (self.leave_if_slice_is_over(point)) {
        self.suspension = suspension_kind::moved;
        return false;
    }
    return true;
}

}  // namespace pollux::inline v0::detail
