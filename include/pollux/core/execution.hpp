// SPDX-License-Identifier: MIT
// What a thread (or a simulated worker) needs while it polls: whose poll it is, and how coroutine frames hand control to each
// other. A worker has one for its life; block_on and a poll by hand put one on their stack.
//
// Frames are resumed by nested calls, at most max_nested_frames deep; then, and whenever one is suspended, all levels return
// to the loop that resumed the first (drive() in coro). `suspension` tells each level why the frame it called has returned.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/fork_deque.hpp"
#include "pollux/core/task_header.hpp"

namespace pollux::inline v0::detail {

struct promise_base;
struct fork_point;
struct local_link;

// Levels of nested calls before all of them return to the loop. fib, one worker: nested 163 ms, loop only 199 ms. Without a
// limit the stack overflows: a million awaits deep is legal.
inline constexpr std::uint32_t max_nested_frames = 64;

// Why the frame that was resumed last has returned.
enum class suspension_kind : std::uint8_t {
    none,       // it has ended
    pending,    // a leaf is not ready: `unit` waits for its waker
    moved,      // another worker, or a queue, holds what comes next: touch nothing of it
    go_on,      // nothing waits: `next_frame` is to be resumed by the loop
    abandoned,  // its task is cancelled: `next_frame` is to be destroyed, and those above it
};

// Whether only coroutine frames stand between a worker's loop and here; and, which never changes, whether the worker's deque fences
// lightly: so that a fork asks for both at once.
class fork_permit {
public:
    fork_permit& operator=(bool may_fork) noexcept {
        bits_ = static_cast<std::uint8_t>(may_fork ? bits_ | frames_only : bits_ & ~frames_only);
        return *this;
    }
    explicit operator bool() const noexcept { return (bits_ & frames_only) != 0; }
    bool is_for_light_fences() const noexcept { return bits_ == (frames_only | light_fences); }
    void fence_lightly() noexcept { bits_ |= light_fences; }

private:
    static constexpr std::uint8_t frames_only = 1, light_fences = 2;
    std::uint8_t bits_ = 0;
};

// What a poll begins with, and leaves so whenever it is not in a frame. Eight bytes: a worker begins a poll with one store of them.
struct poll_state {
    // Written by every await that does not finish at once.
    suspension_kind suspension = suspension_kind::none;
    fork_permit can_fork;
    // The task that is polled, by its own waker: as its mark, but for nobody else to see.
    bool has_woken_itself = false;
    std::uint32_t nested_left = max_nested_frames;  // levels; zero: the loop goes on
};

struct execution : poll_state {
    void* next_frame = nullptr;
    promise_base* unit = nullptr;  // pending: whose innermost frame waits
    std::uintptr_t ended_up = 0;   // wait_end::ended: the `up` of the frame that is gone
    task_id failed;                // the task that an exception has ended last

    // Written at the beginning of a poll.
    context* current = nullptr;
    task_header* task = nullptr;  // null under a bare block_on
    runtime_core* runtime = nullptr;
    runtime_core* worker_of = nullptr;  // a worker's: whose it is, and it may not block
    execution* outer = nullptr;         // what this thread goes on with behind it

    // Around polls of what is inside a task_local's scope; null between a worker's polls.
    const local_link* locals = nullptr;

    execution() noexcept = default;
    execution(const execution&) = delete;
    execution& operator=(const execution&) = delete;
};

// A worker's: it can fork.
struct POLLUX_API forking_execution : execution {
    explicit forking_execution(bool asymmetric) : asymmetric_fences(asymmetric), forks(asymmetric) {
        if (asymmetric) can_fork.fence_lightly();
    }

    /// With the waker of a forked child, which from now on can be suspended and scheduled on its own. Until the next call.
    virtual context& context_of_fork(promise_base& child) noexcept = 0;
    /// A worker sleeps and a fork point has been pushed.
    virtual void wake_for_fork() noexcept = 0;
    /// As join_word::join(), of a point that others have had. Afterwards the task may end elsewhere at any time, unless it is true.
    virtual bool join_with_others(fork_point& point, bool as_holder) noexcept = 0;

    // Forks between two looks at the clock and at CANCELLED: some microseconds. Looking at each fork costs 9 instructions.
    static constexpr std::uint32_t forks_per_look = 256;

    std::uint32_t fork_budget = forks_per_look;  // below zero, so very large, between a fork and its look
    std::uint64_t fork_wake_pause = 0;  // ticks between wake-ups for forks: grows while nobody comes in time to steal
    const bool asymmetric_fences;
    const std::atomic<std::uint64_t>* sleepers = nullptr;  // zero: nobody sleeps
    fork_deque<fork_point> forks;

protected:
    ~forking_execution() = default;
};

/// The execution of this thread, or null where nothing has been polled yet. Initial-exec: one load.
POLLUX_API extern constinit thread_local execution* current_execution [[gnu::tls_model("initial-exec")]];

/// The runtime of this thread: of its worker, of its block_on, of the job it runs. Null: none.
inline runtime_core* current_runtime() noexcept {
    return current_execution != nullptr ? current_execution->runtime : nullptr;
}

// Installs an execution for a scope: block_on, a poll by hand.
class execution_scope {
public:
    explicit execution_scope(execution& mine) noexcept : outer_(current_execution) {
        if (outer_ != &mine) mine.outer = outer_;  // a worker is entered twice where its runtime ends
        current_execution = &mine;
    }
    execution_scope(const execution_scope&) = delete;
    execution_scope& operator=(const execution_scope&) = delete;
    ~execution_scope() { current_execution = outer_; }

private:
    execution* const outer_;
};

}  // namespace pollux::inline v0::detail
