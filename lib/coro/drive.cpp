// SPDX-License-Identifier: MIT
// The loop that resumes frames. Called by the scheduler for a task or a fork point, and by a plain poll for a task below it;
// calls the frames, and the leaves they wait for. What a frame leaves behind when it returns is in the execution's `suspension`.
//
// Invariants: the loop reads a frame's `up` before it resumes it, since a frame that ends is gone. It touches nothing of a frame
// after its unit has been handed on (moved). Destroying a chain goes from the innermost frame outwards, one frame at a time.
#include <exception>
#include <new>
#include <utility>

#include "coro/drive.hpp"
#include "pollux/coro/await.hpp"
#include "pollux/coro/coroutine_task.hpp"
#include "pollux/coro/fork_point.hpp"

namespace pollux::inline v0::detail {

constinit thread_local execution* current_execution = nullptr;

void refuse_exception_of_destructor() noexcept {
    fail_check(
        "pollux: coroutine: the destructor of a local or a parameter threw while its frame was destroyed, and nobody "
        "can be told; catch it in there");
}

namespace {

// What goes on: a frame to be resumed or, if `frame` is null, how the poll has ended.
struct next_step {
    void* frame;
    poll_end end = poll_end::moved;
};

// Destroys `frame` and those that await it, up to the root of its unit. Returns the root's `up`.
std::uintptr_t destroy_from(void* frame) noexcept {
    for (;;) {
        promise_base& promise = promise_at(frame);
        const std::uintptr_t up = promise.up;
        const frame_kind kind = promise.kind();
        const std::uintptr_t waiting = promise.up_pointer();
        promise.slot = nullptr;  // nobody takes a result: see refuse_exception_of_destructor()
        std::coroutine_handle<>::from_address(frame).destroy();
        if (kind == frame_kind::awaited)
            frame = reinterpret_cast<promise_base*>(waiting)->frame();
        else if (kind == frame_kind::awaited_point)
            frame = reinterpret_cast<suspension_point*>(waiting)->frame;
        else
            return up;
    }
}

fork_point& point_of(std::uintptr_t up) noexcept { return *reinterpret_cast<fork_point*>(up & ~frame_kind_mask); }

// join_word::join(); the worker is told where it may lose the task.
bool join(execution& self, fork_point& point, join_role as) noexcept {
    if (as == join_role::holder && !point.was_taken()) return true;
    return static_cast<forking_execution&>(self).join_with_others(point, as == join_role::holder);
}

void destroy_unstarted(fork_point& point) noexcept {
    while (point.unstarted != 0) std::coroutine_handle<>::from_address(point.children()[--point.unstarted]).destroy();
}

// The unit whose innermost living frame is `frame` is cancelled. It is destroyed, and so is each parent whose last child this
// was.
next_step abandon(execution& self, void* frame) noexcept {
    for (;;) {
        const std::uintptr_t up = destroy_from(frame);
        const auto kind = static_cast<frame_kind>(up & frame_kind_mask);
        if (kind < frame_kind::forked) return {nullptr, poll_end::abandoned};
        fork_point& point = point_of(up);
        point.abandon();
        bool is_holder = kind == frame_kind::forked_last;
        if (!is_holder && static_cast<forking_execution&>(self).forks.pop_own()) {
            is_holder = true;
            destroy_unstarted(point);
        }
        if (!join(self, point, is_holder ? join_role::holder : join_role::child)) return {nullptr, poll_end::moved};
        frame = point.parent;
    }
}

// The parent's children have all ended.
next_step resume_parent(execution& self, fork_point& point) noexcept {
    if (point.is_abandoned()) [[unlikely]]
        return abandon(self, point.parent);
    return {point.parent};
}

// A frame whose promise had this `up` is gone, and its result is in its slot.
next_step after_end_of(execution& self, std::uintptr_t up) noexcept {
    for (;;) {
        switch (static_cast<frame_kind>(up & frame_kind_mask)) {
            case frame_kind::polled:
            case frame_kind::spawned: return {nullptr, poll_end::finished};
            case frame_kind::awaited: return {reinterpret_cast<promise_base*>(up & ~frame_kind_mask)->frame()};
            case frame_kind::awaited_point: {
                auto& point = *reinterpret_cast<suspension_point*>(up & ~frame_kind_mask);
                void* const frame = point.frame;
                const std::uintptr_t next_up = promise_at(frame).up;
                if (point.poll_again(point, *self.current) == wait_end::ready) return {frame};
                up = next_up;  // its error has ended the frame that awaited
                continue;
            }
            case frame_kind::forked: {
                auto& forking = static_cast<forking_execution&>(self);
                fork_point& point = point_of(up);
                if (forking.forks.pop_own()) return {point.start_next(forking)};
                if (!join(self, point, join_role::child)) return {nullptr};
                return resume_parent(self, point);
            }
            case frame_kind::forked_last: {
                fork_point& point = point_of(up);
                if (!join(self, point, join_role::holder)) return {nullptr};
                return resume_parent(self, point);
            }
        }
        __builtin_unreachable();
    }
}

}  // namespace

void start_by_loop(promise_base& parent, promise_base& child, suspension_point& point,
                   decltype(suspension_point::poll_again) late) {
    if (may_go_on(parent)) {
        current_execution->next_frame = child.frame();
        current_execution->suspension = suspension_kind::go_on;
        return;
    }
    child.up = up_to(&parent, frame_kind::awaited);  // also who is destroyed now goes from there to the parent
    point.frame = child.frame();
    point.poll_again = late;
    suspend_unit(parent, point);
}

bool ask_for_budget(promise_base& promise) { return leaf_context(promise).consume_budget(); }

namespace {

static_assert(sizeof(std::exception_ptr) == sizeof(suspension_point::frame));
std::exception_ptr& kept_in(suspension_point& point) noexcept {
    return *std::launder(reinterpret_cast<std::exception_ptr*>(&point.frame));
}

}  // namespace

wait_end keep_thrown(suspension_point& point) noexcept {
    point.poll_again = nullptr;
    ::new (static_cast<void*>(&point.frame)) std::exception_ptr(std::current_exception());
    return wait_end::ready;
}

void rethrow_thrown(suspension_point& point) {
    std::exception_ptr kept = std::move(kept_in(point));  // nothing is left that would have to be destroyed
    std::rethrow_exception(std::move(kept));
}

void drop_kept(suspension_point& point) noexcept { kept_in(point).~exception_ptr(); }

namespace {

poll_end resume_frame(execution& self, void* frame) {
    const std::uintptr_t up = resume_once(self, frame);
    if (self.suspension == suspension_kind::pending) return poll_end::pending;
    if (self.suspension == suspension_kind::none && (up & frame_kind_mask) == std::uintptr_t(frame_kind::spawned))
        return poll_end::finished;
    return drive_on(self, up);
}

// As poll_unit(), for a unit that waits for something, with the context for its leaf.
poll_end poll_waiting(execution& self, promise_base& root, context& cx) {
    suspension_point& point = *root.innermost;
    void* const frame = point.frame;
    const wait_end end = point.poll_again(point, cx);
    if (end == wait_end::ready) [[likely]]
        return resume_frame(self, frame);
    if (end == wait_end::ended) return go_on_after_end(self, self.ended_up);
    self.unit = &root;
    return poll_end::pending;
}

}  // namespace

poll_end drive(execution& self, void* frame) { return resume_frame(self, frame); }

poll_end drive_on(execution& self, std::uintptr_t up) {
    for (;;) {
        next_step next{nullptr};
        switch (self.suspension) {
            case suspension_kind::none: next = after_end_of(self, up); break;
            case suspension_kind::go_on: next = {std::exchange(self.next_frame, nullptr)}; break;
            case suspension_kind::abandoned: next = abandon(self, std::exchange(self.next_frame, nullptr)); break;
            case suspension_kind::pending: return poll_end::pending;
            case suspension_kind::moved: return poll_end::moved;
        }
        if (next.frame == nullptr) return next.end;
        up = resume_once(self, next.frame);
    }
}

poll_end poll_unit(execution& self, promise_base& root) {
    if (root.innermost == nullptr) return resume_frame(self, root.frame());
    return poll_waiting(self, root, leaf_context(root));
}

poll_end go_on_after_end(execution& self, std::uintptr_t up) {
    const next_step next = after_end_of(self, up);
    return next.frame != nullptr ? resume_frame(self, next.frame) : next.end;
}

void destroy_unit(promise_base& root) noexcept {
    destroy_from(root.innermost != nullptr ? root.innermost->frame : root.frame());
}

namespace {

// Unstarted frames that are destroyed inside each other on one thread. Few enough for a small stack, in every build type, and many enough
// for what is nested by hand: there a parameter's destructor may use what another one owns, so the order is the language's.
constexpr unsigned max_nested_drops = 64;

struct drop_state {
    unsigned nested;
    // What the frame that is the deepest allowed has owned.
    promise_base* first;
    promise_base** end;
};
constinit thread_local drop_state drops{};

}  // namespace

void drop_unstarted(promise_base& promise) noexcept {
    promise.next_dropped = nullptr;
    if (drops.nested == max_nested_drops) {
        *drops.end = &promise;
        drops.end = &promise.next_dropped;
        return;
    }
    ++drops.nested;
    for (promise_base* next = &promise; next != nullptr; next = drops.first) {
        drops.first = nullptr;
        drops.end = &drops.first;
        promise_base* const behind = next->next_dropped;
        std::coroutine_handle<>::from_address(next->frame()).destroy();
        *drops.end = behind;  // what this one has owned goes before its neighbours
    }
    --drops.nested;
}

poll_end abandon_unit(execution& self, promise_base& root) noexcept {
    return abandon(self, root.innermost != nullptr ? root.innermost->frame : root.frame()).end;
}

poll_end abandon_children(forking_execution& self, fork_point& point) noexcept {
    destroy_unstarted(point);
    point.abandon();
    if (!join(self, point, join_role::holder)) return poll_end::moved;
    return abandon(self, point.parent).end;
}

poll_end poll_in_place(promise_base& root, context& cx) {
    execution* const outer = current_execution;
    if (outer == nullptr) {
        execution own;
        own.runtime = cx.runtime();
        own.current = &cx;
        execution_scope scope(own);
        return poll_unit(own, root);
    }
    // What the frames above this poll have not read yet is kept for them.
    const auto nested_left = outer->nested_left;
    const auto can_fork = std::exchange(outer->can_fork, false);
    auto* const current = std::exchange(outer->current, &cx);
    auto* const unit = outer->unit;
    const poll_end end = poll_unit(*outer, root);
    outer->suspension = suspension_kind::none;
    outer->nested_left = nested_left;
    outer->can_fork = can_fork;
    outer->current = current;
    outer->unit = unit;
    return end;
}

void* fork_point::start_next(forking_execution& self) noexcept {
    void* const frame = children()[--unstarted];
    // There is room: this very point has just been taken from this deque, or the deque is empty.
    if (unstarted != 0 && !publish(self)) fail_check("pollux: fork_join: a fork deque lost its room");
    return frame;
}

namespace {

forking_execution& as_forking(execution& self) noexcept { return static_cast<forking_execution&>(self); }

// No child has been started: the point is as it was.
[[noreturn]] void fail_to_fork(execution& self, fork_point& point) {
    ++self.nested_left;
    ++point.unstarted;
    throw std::bad_alloc();
}

}  // namespace

fork_end left_for(const execution& self) noexcept {
    static_assert(suspension_kind::none == suspension_kind(fork_end::joined));
    return static_cast<fork_end>(self.suspension);
}

fork_end start_by_loop(execution& self, fork_point& point) {
    void* const frame = point.children()[--point.unstarted];
    if (point.unstarted != 0) publish_in_full_deque(self, point);
    self.next_frame = frame;
    self.suspension = suspension_kind::go_on;
    return left_for(self);
}

void publish_in_full_deque(execution& self, fork_point& point) {
    if (!point.publish(as_forking(self))) fail_to_fork(self, point);
}

void wake_for_fork(execution& self) noexcept { as_forking(self).wake_for_fork(); }

bool pop_last_fork(execution& self) noexcept { return as_forking(self).forks.pop_own_last(); }

fork_end end_beside_others(execution& self, fork_point& point, join_role as) noexcept {
    as_forking(self).fork_wake_pause = 0;  // somebody came in time
    if (!join(self, point, as)) {
        self.suspension = suspension_kind::moved;
        return left_for(self);
    }
    if (point.is_abandoned()) {
        self.next_frame = point.parent;
        self.suspension = suspension_kind::abandoned;
        return left_for(self);
    }
    ++self.nested_left;
    return fork_end::joined;
}

void coroutine_task_base::destroy_future(execution&) noexcept { destroy_unit(promise()); }

task_identity coroutine_task_base::identity() const noexcept {
    return {task_id{promise().up >> frame_kind_bits}, promise().spawned_at};
}

}  // namespace pollux::inline v0::detail
