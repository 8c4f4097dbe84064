// SPDX-License-Identifier: MIT
#include "scheduler/forked_unit.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>

#include "core/platform.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/core/task_state.hpp"
#include "pollux/coro/fork_point.hpp"
#include "scheduler/task_waker.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

namespace {

using states = task_states;

// Children of tasks whose addresses fall together. Linked through the header. All zero until one is linked, so a table of them takes
// memory only where it is used.
class bucket {
public:
    constexpr bucket() noexcept : nothing_{} {}

    /// Under the lock, as the next. For a child to be linked.
    task_links& open() noexcept {
        if (!is_open_) ::new (static_cast<void*>(&children_)) task_links();
        is_open_ = true;
        return children_;
    }
    /// Null: there never was one.
    const task_links* children() const noexcept { return is_open_ ? &children_ : nullptr; }

    short_lock lock;

private:
    struct nothing {};

    bool is_open_ = false;
    union {
        nothing nothing_;
        task_links children_;
    };
};
// An abort walks a bucket, and the end of a runtime aborts every task: with 64 of them 100,000 tasks that had forked twice took 34 s
// to end.
constexpr unsigned bucket_bits = 14;

bucket& bucket_of(const task_header& task) noexcept {
    static constinit std::array<bucket, std::size_t{1} << bucket_bits> table{};
    // Multiplied, as addresses of blocks of one size have low bits in common: Knuth's hashing by the golden ratio.
    return table[(reinterpret_cast<std::uintptr_t>(&task) * std::uint64_t{0x9E3779B97F4A7C15}) >> (64 - bucket_bits)];
}

}  // namespace

forked_unit::forked_unit(task_header& task) noexcept {
    home = task.home;
    forked_from = &task;
    // References: the frame's, given up at its end, and the poll's. Relaxed: this thread runs it; the bucket's lock, and
    // whatever hands on a waker, publish it.
    state.store(states::running | 2 * states::one_reference, std::memory_order::relaxed);
}

forked_unit& forked_unit::of(promise_base& child, worker& self) noexcept {
    void* const frame = child.frame();
    // Relaxed: alive since an earlier poll of this very child, which happened before this one.
    if (state_in_front_of(frame).load(std::memory_order::relaxed) != 0)
        return *static_cast<forked_unit*>(header_in_front_of(frame));
    auto& made = *::new (static_cast<void*>(header_in_front_of(frame))) forked_unit(*self.task);
    {
        bucket& siblings = bucket_of(*self.task);
        const std::lock_guard guard(siblings.lock);
        siblings.open().link(made);
    }
    // The task has not parked itself, and may never: its children wait. If the list is closed, they see at their parking that the
    // runtime is ending.
    static_cast<void>(self.core().tasks().insert(*self.task));
    return made;
}

void forked_unit::linked_frame_ended() noexcept {
    {
        bucket& siblings = bucket_of(*forked_from);
        const std::lock_guard guard(siblings.lock);
        unlink();
    }
    (void)states::to_complete(state);  // nobody joins it
    drop_task_references(*this, 2);
}

void forked_unit::wake_all_of(task_header& task) noexcept {
    bucket& shelf = bucket_of(task);
    // No simulation switches while the lock is held: who waits for it would depend on addresses.
    const platform_scope unwatched(nullptr);
    const std::lock_guard guard(shelf.lock);
    const task_links* const children = shelf.children();
    if (children == nullptr) return;
    for (task_links* one = children->next_task(); one != children; one = one->next_task())
        if (auto& each = static_cast<task_header&>(*one); each.forked_from == &task) wake_task(each);
}

void forked_unit::park(promise_base& child, worker& self) noexcept {
    auto& unit = *static_cast<forked_unit*>(header_in_front_of(child.frame()));
    task_header& task = *unit.forked_from;
    if (self.must_end(task)) {
        self.end_poll(task, abandon_unit(self, child));
        return;
    }
    self.let_go(&child);
    // What follows a parked child may be the end of it, and of its task, on another worker.
    if (states::to_idle(unit.state) == idle_action::reschedule) self.push_back(unit);
}

void forked_unit::run(execution& execution) noexcept {
    auto& self = static_cast<worker&>(execution);
    task_header& task = *forked_from;
    (void)states::to_running(state);  // only tasks are aborted, children look at theirs
    self.begin_poll(task);
    self.can_fork = true;
    self.end_forking_poll(task, self.must_end(task) ? abandon_unit(self, promise()) : poll_unit(self, promise()));
}

void forked_unit::destroy_future(execution&) noexcept { destroy_unit(promise()); }

context& worker::context_of_fork(promise_base& child) noexcept {
    fork_waker_.forget();
    ::new (static_cast<void*>(&fork_waker_)) waker(&forked_unit::of(child, *this), &task_waker_table);
    return fork_context_;
}

}  // namespace pollux::inline v0::detail
