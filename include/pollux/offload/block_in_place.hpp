// SPDX-License-Identifier: MIT
// `block_in_place`: a call that blocks, made where it stands, while another thread does the worker's duties. Who stands in is in
// lib/scheduler/stand_ins.hpp.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/execution.hpp"
#include "pollux/core/export.hpp"

namespace pollux::inline v0 {

namespace detail {

class worker;

// This thread is no worker for a scope, though it stays in its runtime and its task.
class POLLUX_API in_place_scope {
public:
    in_place_scope() noexcept;
    in_place_scope(const in_place_scope&) = delete;
    in_place_scope& operator=(const in_place_scope&) = delete;
    ~in_place_scope();

private:
    worker* left_;
    execution* outer_ = nullptr;
    execution own_;
};

}  // namespace detail

/// Calls `fn` here and now and returns its result. On a worker of a `runtime`, inside a task, the worker's other tasks and sleeps are
/// served by another thread meanwhile, so `fn` may take as long as it likes: sleep, wait for a lock, compute. It may spawn and
/// block_on, also for a task of the same runtime. It is still inside its task: `current_task_id` and task locals answer as before,
/// and what else that task does waits. Elsewhere, on a thread that is no worker or in a `current_thread_runtime`, it just calls `fn`.
///
/// Prefer `blocking` where `fn` owns what it needs; this is for calls that borrow from the task.
///
/// Hangs: as `fn` does; and where no other thread can be had, while `fn` waits for what only this worker would do.
/// Throws: what `fn` throws.
/// Threads: `fn` runs on the calling thread. Threads that stand in count as workers to the hooks of runtime_options; they are
/// named like workers and end when there was nothing to stand in for during blocking_keep_alive.
/// Cancel: a call that runs is not interrupted. The end of the runtime waits for it, as for any poll.
/// Limits: beside up to 48 workers, at most 64 less their number stand in at once; beside more, 16. Calls beyond that hand nothing over
/// until one of the others is back.
/// Cost: two locks and two wake-ups of a thread; the first ones start a thread. Not for calls of a few microseconds.
/// Source: Tokio's block_in_place.
template <class Fn>
decltype(auto) block_in_place(Fn&& fn) {
    static_assert(std::is_invocable_v<Fn>, "pollux: block_in_place: the argument is no callable without arguments");
    if constexpr (std::is_invocable_v<Fn>) {
        const detail::in_place_scope scope;
        return std::forward<Fn>(fn)();
    }
}

}  // namespace pollux::inline v0
