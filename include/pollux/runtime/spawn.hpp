// SPDX-License-Identifier: MIT
// spawn: makes a task of a future or a callable and hands it to a runtime. Called by users, by runtime and its handles.
#pragma once

#include <source_location>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/task_header.hpp"
#include "pollux/coro/coroutine_task.hpp"
#include "pollux/coro/into_task.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/lazy.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/future_cell.hpp"
#include "pollux/runtime/join_handle.hpp"

namespace pollux::inline v0 {

namespace detail {

class runtime_core;

/// Takes over a new task and schedules it; a join handle has a reference. False: the runtime is ending, nothing was done.
POLLUX_API bool start_task(runtime_core& core, task_header& task) noexcept;
/// The same for the runtime of `mine`, this thread's execution.
POLLUX_API bool start_task_in(execution& mine, task_header& task) noexcept;

// Where a task goes: a runtime, of which the caller may know that it is its thread's own.
class spawn_target {
public:
    explicit spawn_target(runtime_core& core) noexcept : core_(&core) {}
    explicit spawn_target(execution& mine) noexcept : mine_(&mine) {}

    [[gnu::always_inline]] bool start(task_header& task) const noexcept {
        return mine_ != nullptr ? start_task_in(*mine_, task) : start_task(*core_, task);
    }

private:
    runtime_core* core_ = nullptr;
    execution* mine_ = nullptr;
};

// Inlined, and what does not depend on the type in one call: spawn and join, 22 instructions.
template <class T, class E>
[[gnu::always_inline]] inline join_handle<T, E> spawn_task_on(spawn_target target, task<T, E>&& body,
                                                              std::source_location where) {
    using header = coroutine_task<T, E>;
    const task_id id = new_task_id();
    header& made = header::make_header(body.release(), id, where);
    if (target.start(made)) return {&made, &made.outcome(), id};
    header::unmake(made);
    return {nullptr, nullptr, id};
}

template <class F>
auto spawn_future_on(spawn_target target, F fut, std::source_location where) {
    using handle = join_handle<typename F::value_type, typename F::error_type>;
    const task_id id = new_task_id();
    auto& made = future_cell<F>::make(std::move(fut), id, where);
    if (target.start(made)) return handle(&made, &made.outcome(), id);
    future_cell<F>::unmake(made);
    return handle(nullptr, nullptr, id);
}

// A callable that returns a task becomes a coroutine too, so that its forks are as cheap as a task's.
template <class Fn>
inline constexpr bool makes_task = false;
template <class Fn>
    requires std::is_invocable_v<Fn&>
inline constexpr bool makes_task<Fn> = is_task<std::remove_cvref_t<std::invoke_result_t<Fn&>>>;

template <class F>
[[gnu::always_inline]] inline auto spawn_on(spawn_target target, F&& work, std::source_location where) {
    using X = std::decay_t<F>;  // a pointer, if it is the name of a function
    static_assert(std::is_constructible_v<X, F>,
                  "pollux: spawn: takes ownership; pass std::move(x), or a future that owns what it needs");
    if constexpr (is_task<X>) {
        return work.is_started() ? detail::spawn_future_on(target, std::move(work), where)
                                 : spawn_task_on(target, std::move(work), where);
    } else if constexpr (future<X>) {
        return detail::spawn_future_on(target, X(std::forward<F>(work)), where);
    } else {
        static_assert(
            std::is_invocable_v<X&>,
            "pollux: spawn: the argument is neither a future nor a callable without arguments; a future needs "
            "value_type, error_type and poll(context&)");
        if constexpr (makes_task<X>)
            return spawn_task_on(target, detail::into_task(std::forward<F>(work)), where);
        else if constexpr (std::is_invocable_v<X&>)
            return detail::spawn_future_on(target, pollux::lazy(X(std::forward<F>(work))), where);
    }
}

}  // namespace detail

/// Starts `work`, a future or a callable without arguments (as `lazy`), as a task of this thread's runtime. The handle is the
/// future of its result; dropping the handle lets the task go on. A callable is kept until the task has ended, so a capturing
/// lambda may be a coroutine. While the runtime is ending, the work is destroyed here and the handle is cancelled.
///
/// Throws: no_runtime outside a runtime; std::bad_alloc.
/// Threads: any that is in a runtime: a task, block_on, a job of offload or blocking. The work runs on any worker.
/// Cost: one allocation for a future, none for a `task` beyond its frame. No lock that is shared by all; no system call unless
/// a worker sleeps.
template <class F>
[[gnu::always_inline]] inline auto spawn(F&& work, std::source_location where = std::source_location::current()) {
    detail::execution* const mine = detail::current_execution;
    if (mine == nullptr || mine->runtime == nullptr)
        throw no_runtime(
            "pollux: spawn: no runtime on this thread; call it inside a task, or use runtime::spawn or "
            "runtime_handle::spawn");
    return detail::spawn_on(detail::spawn_target(*mine), std::forward<F>(work), where);
}

}  // namespace pollux::inline v0
