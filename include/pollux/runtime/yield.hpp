// SPDX-License-Identifier: MIT
// What a task can ask about itself, and how it lets others go first.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/task_header.hpp"
#include "pollux/coro/await.hpp"
#include "pollux/coro/frame.hpp"
#include "pollux/future/detail/until_over.hpp"

namespace pollux::inline v0 {

namespace detail {

class yield_now_awaiter;

class [[nodiscard]] yield_future {
public:
    using value_type = void;
    using error_type = never;
    using frame_awaiter = yield_now_awaiter;

    yield_future() noexcept = default;
    polled<> poll(context& cx) noexcept {
        check();
        return until_over([&] [[gnu::always_inline]] { return advance(cx); }, [&] { end(); });
    }

private:
    friend yield_now_awaiter;

    // One byte for both: what yields is measured, and a release build never writes `over`.
    enum class step : unsigned char { fresh, has_yielded, over };

    [[gnu::always_inline]] polled<> advance(context& cx) noexcept {
        if (mark()) return polled<>::ready();
        cx.waker().wake();
        return pending;
    }
    /// Whether it had yielded before; it counts as having done so now.
    bool mark() noexcept { return std::exchange(step_, step::has_yielded) != step::fresh; }
    void check() const noexcept {
        debug_check(step_ != step::over, "pollux: yield_now: polled after it was ready; each yield is one of its own");
    }
    void end() noexcept { step_ = step::over; }

    step step_ = step::fresh;
};

// In a frame of a task the mark is set without the way through the waker.
class yield_now_awaiter : suspension_point {
public:
    using awaited = yield_future;

    yield_now_awaiter(yield_future& fut, promise_base& promise) noexcept : promise_(promise), fut_(fut) {}
    yield_now_awaiter(const yield_now_awaiter&) = delete;
    yield_now_awaiter& operator=(const yield_now_awaiter&) = delete;

    bool await_ready() const noexcept {
        fut_.check();
        return fut_.mark();
    }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
        this->poll_again = &go_on;
        this->frame = waiting.address();
        execution& self = *current_execution;
        promise_base& root = promise_.unit_root();
        if (root.kind() == frame_kind::spawned) [[likely]]
            self.has_woken_itself = true;
        else
            leaf_context(promise_).waker().wake();
        suspend_unit(self, root, *this);
    }
    void await_resume() const noexcept {
#ifndef NDEBUG
        fut_.end();
#endif
    }

private:
    promise_base& promise_;
    yield_future& fut_;
};

}  // namespace detail

/// A future that is pending once and wakes its task at once: the task goes to the back of the run queue, where thieves see it.
///
/// Cancel: nothing is lost.
/// Cost: no allocation; one poll more.
inline detail::yield_future yield_now() noexcept { return {}; }

/// The id of the task that this thread is polling, or whose future it is destroying. Nothing elsewhere, also in block_on.
POLLUX_API std::optional<task_id> current_task_id() noexcept;

}  // namespace pollux::inline v0
