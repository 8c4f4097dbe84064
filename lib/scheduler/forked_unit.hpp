// SPDX-License-Identifier: MIT
// A forked child that has been suspended once: from then on it has a header of its own, so that a wake-up polls it alone. It stands
// in front of the child's frame, shares its parent's task, and lives at most as long as that task is running.
//
// Children that may be idle are in a table by the task whose they are, so that abort() of that task can wake them: the
// task is running then, as far as its state says, and nobody polls it. The table is the process's, as an abort handle may outlive
// the runtime. Claim: after abort no child stays idle. Proof: abort marks the task, then walks the children under the lock of the
// bucket. A child that entered before is woken: idle, it is queued; running, the mark that the wake-up leaves lets it be
// queued at the end of its poll. One that enters later has seen the mark, which it looks for before it parks.
#pragma once

#include <exception>

#include "pollux/core/task_header.hpp"
#include "pollux/coro/frame.hpp"

namespace pollux::inline v0::detail {

class worker;

class forked_unit final : public task_header {
public:
    /// The header of the child, made alive at the first call. Called by the worker that runs the child's frame.
    static forked_unit& of(promise_base& child, worker& self) noexcept;
    /// Wakes the children of `task`, which the caller has a reference to.
    static void wake_all_of(task_header& task) noexcept;
    /// The child has answered pending on this worker.
    static void park(promise_base& child, worker& self) noexcept;

    void run(execution&) noexcept override;
    task_header* owner() noexcept override { return forked_from; }
    void destroy_future(execution&) noexcept override;
    void set_cancelled() noexcept override {}
    bool holds_exception() const noexcept override { return false; }
    std::exception_ptr drop_result() noexcept override { return nullptr; }
    task_identity identity() const noexcept override { return forked_from->identity(); }
    void linked_frame_ended() noexcept override;

private:
    explicit forked_unit(task_header& task) noexcept;

    promise_base& promise() noexcept { return promise_at(this + 1); }
};

}  // namespace pollux::inline v0::detail
