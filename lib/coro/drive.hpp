// SPDX-License-Identifier: MIT
// What the poll of a task has of the loop that resumes frames (drive.cpp): the first step, which it inlines and which is all of it for a
// task that ends or waits at once, and the ways on from there.
#pragma once

#include <coroutine>
#include <cstdint>

#include "pollux/core/context.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/coro/frame.hpp"

namespace pollux::inline v0::detail {

/// The frame that was resumed last, with this `up`, has returned: whatever comes next.
poll_end drive_on(execution& self, std::uintptr_t up);
/// The same for a frame that has been ended by the error that it waited for.
poll_end go_on_after_end(execution& self, std::uintptr_t up);

// Resumes one frame; why it has returned is in `suspension`. Returns its `up`, read before: a frame that ends is gone.
[[gnu::always_inline]] inline std::uintptr_t resume_once(execution& self, void* frame) {
    const std::uintptr_t up = promise_at(frame).up;
    self.nested_left = max_nested_frames;
    self.suspension = suspension_kind::none;
    resume_frame_at(frame);
    return up;
}

}  // namespace pollux::inline v0::detail
