// SPDX-License-Identifier: MIT
// The beginning of the loop that resumes frames, which is all of it for a task that ends or waits at once: the scheduler inlines
// it into the poll of a task. The rest is in drive.cpp.
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
    std::coroutine_handle<>::from_address(frame).resume();
    return up;
}

/// As drive().
[[gnu::always_inline]] inline poll_end resume_frame(execution& self, void* frame) {
    const std::uintptr_t up = resume_once(self, frame);
    if (self.suspension == suspension_kind::pending) return poll_end::pending;
    if (self.suspension == suspension_kind::none && (up & frame_kind_mask) == std::uintptr_t(frame_kind::spawned))
        return poll_end::finished;
    return drive_on(self, up);
}

/// As poll_unit(), for a unit that waits for something, with the context for its leaf.
[[gnu::always_inline]] inline poll_end poll_waiting(execution& self, promise_base& root, context& cx) {
    suspension_point& point = *root.innermost;
    void* const frame = point.frame;
    const wait_end end = point.poll_again(point, cx);
    if (end == wait_end::ready) [[likely]]
        return resume_frame(self, frame);
    if (end == wait_end::ended) return go_on_after_end(self, self.ended_up);
    self.unit = &root;
    return poll_end::pending;
}

}  // namespace pollux::inline v0::detail
