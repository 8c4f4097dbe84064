// SPDX-License-Identifier: MIT
// A thread that is in a runtime for a scope: what runtime_handle::enter() gives. Spawning asks the thread's execution for its
// runtime, so the guard writes that; where the thread has no execution yet, it lends one of its own. It does not put a new one on
// top: on a worker, or while a coroutine runs, the execution says more than the runtime, and is in use.
//
// Invariant: of the guards of one thread, the one made last is the first to go, on that thread.
#pragma once

#include "pollux/core/execution.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"

namespace pollux::inline v0::detail {

class [[nodiscard]] POLLUX_API entered_runtime {
public:
    explicit entered_runtime(runtime_core& core) noexcept;
    entered_runtime(const entered_runtime&) = delete;
    entered_runtime& operator=(const entered_runtime&) = delete;
    ~entered_runtime() {
        debug_check(
            is_innermost(),
            "pollux: runtime_handle::enter: a guard went before one that was made after it, or on another thread; "
            "keep it in a scope without an await");
        leave();
    }

private:
    bool is_innermost() const noexcept { return current_execution == changed_ && changed_->runtime == &core_; }
    void leave() noexcept;

    runtime_core& core_;
    execution own_;
    execution* const changed_;
    runtime_core* const outer_;
};

}  // namespace pollux::inline v0::detail
