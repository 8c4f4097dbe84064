// SPDX-License-Identifier: MIT
// The runtime: worker threads that steal ready tasks from each other. All of its work is in lib/scheduler; here are the object
// that owns it, the handle that may outlive it, and run().
#pragma once

#include <chrono>
#include <source_location>
#include <type_traits>
#include <utility>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/core/export.hpp"
#include "pollux/future/lazy.hpp"
#include "pollux/runtime/enter.hpp"
#include "pollux/runtime/metrics.hpp"
#include "pollux/runtime/options.hpp"
#include "pollux/runtime/shutdown_report.hpp"
#include "pollux/runtime/spawn.hpp"

namespace pollux::inline v0 {

namespace detail {

// This thread is in a runtime for a scope, without being one of its workers.
class POLLUX_API block_on_scope {
public:
    /// Throws: std::system_error(resource_deadlock_would_occur) on a worker of this runtime.
    explicit block_on_scope(runtime_core& core);
    block_on_scope(const block_on_scope&) = delete;
    block_on_scope& operator=(const block_on_scope&) = delete;
    ~block_on_scope();
    /// What the poll that begins may do: as much as that of a task.
    poll_budget& begin_poll() noexcept;

private:
    execution execution_;
    poll_budget budget_;
    execution_scope scope_;
    block_cache* blocks_ = nullptr;  // the runtime's for such a thread, or null: it has others, or none
};

template <class F>
outcome_of<F> block_on_in(runtime_core& core, F& fut) {
    block_on_scope scope(core);
    thread_parker parker;
    for (;;) {
        context cx(parker.waker(), &scope.begin_poll());
        auto answer = fut.poll(cx);
        if (answer.is_ready()) return answer.take();
        parker.wait();
    }
}

// `work` as a future: an lvalue future in place, a callable through lazy. Calls `then` with it.
template <class F, class Then>
decltype(auto) with_future(F&& work, Then&& then) {
    using X = std::decay_t<F>;  // a pointer, if it is the name of a function
    if constexpr (future<X>) {
        return then(work);
    } else {
        static_assert(
            std::is_invocable_v<X&>,
            "pollux: block_on or run: the argument is neither a future nor a callable without arguments; a future "
            "needs value_type, error_type and poll(context&)");
        if constexpr (std::is_invocable_v<X&>) {
            auto fut = pollux::lazy(X(std::forward<F>(work)));
            return then(fut);
        }
    }
}

}  // namespace detail

/// Refers to a runtime without keeping it running. May be kept after the runtime is gone: then it behaves as one that is ending.
///
/// Threads: any. Cost: a copy is one read-modify-write.
class POLLUX_API runtime_handle {
public:
    runtime_handle(const runtime_handle& other) noexcept;
    runtime_handle(runtime_handle&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    runtime_handle& operator=(runtime_handle other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~runtime_handle();

    /// That of this thread's runtime: inside a task, block_on, a job of offload or blocking, or a scope with enter().
    ///
    /// Throws: no_runtime elsewhere.
    static runtime_handle current();

    /// As runtime::spawn.
    template <class F>
    auto spawn(F&& work, std::source_location where = std::source_location::current()) const {
        return detail::spawn_on(detail::spawn_target(*core_), std::forward<F>(work), where);
    }
    /// As runtime::block_on. A current_thread_runtime is not driven by it, as by Tokio's handles: what needs its tasks, sleeps or sockets
    /// waits until another thread drives.
    template <class F>
    decltype(auto) block_on(F&& work) const {
        return detail::with_future(std::forward<F>(work),
                                   [this](auto& fut) { return detail::block_on_in(*core_, fut); });
    }

    /// Puts this thread into the runtime while the guard lives, whatever it was in before: spawn and current() mean this one then,
    /// and so do the offload, blocking and timer futures that are polled here without a runtime of their own. In a task they have
    /// one, that of their poll. Guards may be nested; the last one made goes first, which debug builds check. Once the runtime
    /// is gone, the thread is in one that is ending. It does not keep the runtime running, and polls nothing.
    ///
    /// Threads: the guard stays on the thread, so in a coroutine it must not live across an await.
    /// Cost: two read-modify-writes.
    [[nodiscard]] detail::entered_runtime enter() const noexcept { return detail::entered_runtime(*core_); }

    /// For the library.
    explicit runtime_handle(detail::runtime_core& core) noexcept;

private:
    detail::runtime_core* core_;
};

/// Worker threads that poll tasks, and what tasks need: sleeps, pools for CPU-heavy and for blocking work. Several may live in
/// one process.
///
/// Its end, ~runtime(): tasks that are left are cancelled and destroyed by the workers, kept join handles throw
/// task_cancelled; queued jobs are discarded, running ones waited for; then all threads are joined. On one of its own workers it ends
/// the process with a message.
///
/// A child of fork() has a copy without threads: there block_on and shutdown throw std::system_error(operation_not_permitted), spawn
/// gives cancelled handles, and the destructor does nothing. That holds for a fork outside of the runtime's threads; in a child that was
/// forked in one of its tasks or jobs call exec or _exit.
///
/// Threads: all members from any.
class POLLUX_API runtime {
public:
    /// Throws: std::system_error where threads cannot be had; std::invalid_argument for senseless options; what
    /// on_thread_start throws. Nothing is left behind then.
    explicit runtime(runtime_options options = {});
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;
    ~runtime();

    /// Polls `work`, a future or a callable without arguments, on this thread until it is ready; inside, this thread is in the
    /// runtime. An lvalue future is polled in place. Other tasks go on meanwhile and afterwards. A poll has the budget of a task's.
    ///
    /// Throws: what the future throws; std::system_error(resource_deadlock_would_occur) on a worker of this runtime.
    template <class F>
    decltype(auto) block_on(F&& work) {
        return detail::with_future(std::forward<F>(work),
                                   [this](auto& fut) { return detail::block_on_in(*core_, fut); });
    }
    /// As the free function spawn, on this runtime, from any thread.
    template <class F>
    auto spawn(F&& work, std::source_location where = std::source_location::current()) {
        return detail::spawn_on(detail::spawn_target(*core_), std::forward<F>(work), where);
    }
    runtime_handle handle() const noexcept { return runtime_handle(*core_); }
    /// Ends the runtime now, as its destructor does: tasks are cancelled and destroyed, threads of workers joined, queued jobs
    /// discarded. But jobs that run are waited for only until `grace` is over (negative: not at all); those that are left are
    /// reported as stuck, and it is ~runtime that waits for them. Callbacks of their stop tokens are called
    /// here, and are not bounded by the grace. Afterwards spawn gives cancelled handles. A second call does and
    /// reports nothing.
    ///
    /// Throws: std::system_error(resource_deadlock_would_occur) on a worker of this runtime, and in a hook (`on_long_poll`,
    /// `on_thread_stop`) on any of its threads; then nothing was done.
    /// Cost: waits for the polls that are going on.
    shutdown_report shutdown(std::chrono::nanoseconds grace);
    /// Cost: reads the counters of each worker; they are not disturbed.
    runtime_metrics metrics() const noexcept;

private:
    detail::runtime_core* core_;
};

/// Makes a runtime, runs `work` on it by block_on, and ends the runtime: tasks that are still running then are cancelled.
///
/// Throws: as the constructor of runtime, and what the work throws.
template <class F>
decltype(auto) run(F&& work, runtime_options options = {}) {
    runtime made(std::move(options));
    return made.block_on(std::forward<F>(work));
}

}  // namespace pollux::inline v0
