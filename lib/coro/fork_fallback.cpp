// SPDX-License-Identifier: MIT
// See fork_fallback.hpp. Calls the scheduler through forked_tasks.
#include "pollux/coro/fork_fallback.hpp"

#include "pollux/coro/await.hpp"
#include "pollux/coro/fork_point.hpp"

namespace pollux::inline v0::detail {

namespace {

void* marked(void* frame) noexcept {
    return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(frame) | fork_fallback::ended_mark);
}
void* unmarked(void* frame) noexcept {
    return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(frame) & ~fork_fallback::ended_mark);
}

}  // namespace

void fork_fallback::begin(promise_base& parent, void* parent_frame, void** frames, std::size_t count) noexcept {
    suspension_point::poll_again = &poll_children_again;
    suspension_point::frame = parent_frame;
    parent_ = &parent;
    frames_ = frames;
    count_ = count;
    runtime_ = current_execution->current->runtime();
}

task_id fork_fallback::child_id() const noexcept {
    const task_header* const task = current_execution->task;
    return task != nullptr ? task->identity().id : new_task_id();
}

void fork_fallback::spawn(task_header& child) noexcept { forked_tasks::spawn(*runtime_, child); }

bool fork_fallback::suspend() noexcept {
    if (poll_children(leaf_context(*parent_))) return false;
    suspend_unit(*parent_, *this);
    return true;
}

void* fork_fallback::frame(std::size_t i) const noexcept { return unmarked(frames_[i]); }

bool fork_fallback::poll_children(context& cx) noexcept {
    bool all_ended = true;
    for (std::size_t i = count_; i-- != 0;) {
        if (has_ended(frames_[i])) continue;
        const bool is_over = has_spawned() ? forked_tasks::is_finished(*header_in_front_of(frames_[i]), cx.waker())
                                           : poll_in_place(promise_at(frames_[i]), cx) == poll_end::finished;
        if (is_over)
            frames_[i] = marked(frames_[i]);
        else
            all_ended = false;
    }
    return all_ended;
}

wait_end fork_fallback::poll_children_again(suspension_point& point, context& cx) noexcept {
    return static_cast<fork_fallback&>(point).poll_children(cx) ? wait_end::ready : wait_end::pending;
}

void fork_fallback::end() noexcept {
    if (has_spawned()) forked_tasks::cancel_and_wait(*runtime_, frames_, count_);
    for (std::size_t i = count_; i-- != 0;) {
        const bool is_over = has_ended(frames_[i]);
        void* const frame = unmarked(frames_[i]);
        if (has_spawned()) {
            forked_tasks::release(*header_in_front_of(frame));
        } else if (!is_over) {
            destroy_unit(promise_at(frame));
        }
    }
}

}  // namespace pollux::inline v0::detail
