// SPDX-License-Identifier: MIT
// fork_join where a plain poll (a join, a select, block_on) stands between the worker's loop and the coroutine: that stack cannot
// be continued on another thread. The children become ordinary tasks of the context's runtime, and the parent waits for them
// as for a leaf; without a runtime they are polled in place, in order. Same meaning as fork_point.hpp, less speed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/task_header.hpp"
#include "pollux/coro/frame.hpp"

namespace pollux::inline v0::detail {

// Before the first poll in place.
inline void prepare_in_place(promise_base& child, void* slot) noexcept {
    child.up = up_to(nullptr, frame_kind::polled);
    child.slot = slot;
    child.innermost = nullptr;
}

// In a union of the awaiter: made only where a fork is below a plain poll, just before begin(). Used by the thread that polls the parent.
class POLLUX_API fork_fallback : suspension_point {
public:
    fork_fallback() noexcept : suspension_point{nullptr, nullptr} {}
    fork_fallback(const fork_fallback&) = delete;
    fork_fallback& operator=(const fork_fallback&) = delete;
    ~fork_fallback() { end(); }

    /// Takes over the children's frames, which stand in reverse order.
    void begin(promise_base& parent, void* parent_frame, void** frames, std::size_t count) noexcept;
    /// Children are tasks of a runtime; else they are polled in place.
    bool has_spawned() const noexcept { return runtime_ != nullptr; }
    /// That of the task that is polled; without one, a new one each.
    task_id child_id() const noexcept;
    void spawn(task_header& child) noexcept;
    /// Polls or looks at the children once. True: some are pending, and the parent waits.
    bool suspend() noexcept;

    void* frame(std::size_t i) const noexcept;
    /// In the addresses of the array: of a frame that has ended.
    static constexpr std::uintptr_t ended_mark = 1;
    static bool has_ended(void* frame) noexcept { return (reinterpret_cast<std::uintptr_t>(frame) & ended_mark) != 0; }

private:
    static wait_end poll_children_again(suspension_point&, context&) noexcept;
    bool poll_children(context&) noexcept;
    void end() noexcept;

    promise_base* parent_;
    void** frames_;  // the lowest bit: the child has ended
    std::size_t count_;
    runtime_core* runtime_;  // null: none
};

}  // namespace pollux::inline v0::detail
