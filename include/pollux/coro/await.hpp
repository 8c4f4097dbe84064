// SPDX-License-Identifier: MIT
// co_await of any future, and of a task. Called by the promises' await_transform, through awaitable.hpp. A future is polled in place, lvalue or
// rvalue; a task that nobody has polled yet is not polled but started, as a nested call into its frame.
#pragma once

#include <coroutine>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/coro/frame.hpp"

namespace pollux::inline v0 {

template <class T, class E>
class task;

namespace detail {

template <class X>
inline constexpr bool is_task = false;
template <class T, class E>
inline constexpr bool is_task<task<T, E>> = true;

// The frame of `promise` waits at `point`; the unit's next poll begins there.
inline void suspend_unit(execution& self, promise_base& root, suspension_point& point) noexcept {
    root.innermost = &point;
    self.unit = &root;
    self.suspension = suspension_kind::pending;
}
inline void suspend_unit(promise_base& promise, suspension_point& point) noexcept {
    suspend_unit(*current_execution, promise.unit_root(), point);
}

// An await has finished at once. False: this poll has had its share, and the unit has been woken for the next one. So no loop of
// awaits that are ready starves the other tasks. The budget is that of the frame's poll.
[[gnu::always_inline]] inline bool may_go_on(promise_base& promise, poll_budget* budget) {
    if (budget == nullptr || budget->take_unit()) [[likely]]
        return true;
    return ask_for_budget(promise);
}
[[gnu::always_inline]] inline bool may_go_on(promise_base& promise) {
    return may_go_on(promise, current_execution->current->budget());
}
// What the next poll finds then.
inline wait_end go_on(suspension_point&, context&) noexcept { return wait_end::ready; }

// Made where it stands, for one that is assigned is put together elsewhere and copied: 6 of the 55 instructions of an item of
// mpsc::receiver. Not if it has a destructor: after an exception there is nothing to destroy, nor to read, until make_pending().
template <class F, class Answer>
[[gnu::always_inline]] inline void poll_into(Answer& answer, F& fut, context& cx) {
    if constexpr (std::is_trivially_destructible_v<Answer>)
        ::new (static_cast<void*>(&answer)) Answer(fut.poll(cx));
    else
        answer = fut.poll(cx);
}
template <class Answer>
void make_pending(Answer& answer) noexcept {
    if constexpr (std::is_trivially_destructible_v<Answer>)
        ::new (static_cast<void*>(&answer)) Answer(pending);
    else
        answer = pending;
}

template <class F>
class future_awaiter : suspension_point {
    using answer = polled<typename F::value_type, typename F::error_type>;

public:
    // The point is written where the frame is suspended: an await that is ready at once needs none of it.
    future_awaiter(F& fut, promise_base& promise) noexcept : promise_(promise), fut_(fut) { expect_drop(*this); }
    future_awaiter(const future_awaiter&) = delete;
    future_awaiter& operator=(const future_awaiter&) = delete;
    ~future_awaiter() { drop_thrown(*this); }

    [[gnu::always_inline]] bool await_ready() {
        context& cx = leaf_context(promise_);
        poll_budget* const budget = cx.budget();  // before the poll, which may have other frames' contexts made
        poll_into(answer_, fut_, cx);
        return answer_.is_ready() && may_go_on(promise_, budget);
    }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
        this->poll_again = answer_.is_ready() ? &go_on : &poll_this_again;
        this->frame = waiting.address();
        suspend_unit(promise_, *this);
    }
    outcome_of<F> await_resume() {
        if (answer_.is_pending()) [[unlikely]]
            rethrow_thrown(*this);
        return answer_.take();
    }

private:
    static wait_end poll_this_again(suspension_point& point, context& cx) noexcept {
        auto& self = static_cast<future_awaiter&>(point);
        try {
            poll_into(self.answer_, self.fut_, cx);
        } catch (...) {
            make_pending(self.answer_);
            return keep_thrown(point);
        }
        return self.answer_.is_ready() ? wait_end::ready : wait_end::pending;
    }

    promise_base& promise_;
    F& fut_;
    answer answer_{pending};
};

// Starts the frame of a task, below the frame that awaits it, with `up` saying how that one goes on. False: it has ended and
// the awaiting frame goes on at once. True: all levels return to the loop.
[[gnu::always_inline]] inline bool start_nested(execution& self, void* frame) {
    if (--self.nested_left == 0) [[unlikely]] {
        self.next_frame = frame;
        self.suspension = suspension_kind::go_on;
        return true;
    }
    std::coroutine_handle<>::from_address(frame).resume();
    if (self.suspension != suspension_kind::none) [[unlikely]]
        return true;
    ++self.nested_left;
    return false;
}

// What await and try_ of a task have in common: the slot, and the rare task that a plain poll has started already.
template <class T, class E>
class task_awaiter_base {
public:
    task_awaiter_base(const task_awaiter_base&) = delete;
    task_awaiter_base& operator=(const task_awaiter_base&) = delete;

protected:
    task_awaiter_base(task<T, E>& awaited, promise_base& promise) noexcept : promise_(promise), awaited_(awaited) {}

    bool ready_at_once() {
        if (!awaited_.is_started()) [[likely]]
            return false;
        return poll_started(leaf_context(promise_));
    }
    // True: the slot has been filled.
    bool poll_started(context& cx) noexcept {
        try {
            auto answer = awaited_.poll(cx);
            if (answer.is_pending()) return false;
            slot_.set(std::move(answer));
        } catch (...) {
            slot_.set_exception(std::current_exception());
        }
        return true;
    }
    [[gnu::always_inline]] bool start(std::uintptr_t up) {
        void* const frame = awaited_.release();
#ifndef NDEBUG
        if (frame == nullptr)
            fail_check("pollux: co_await: the task has no coroutine; it was awaited or moved from before");
#endif
        promise_base& child = promise_at(frame);
        child.up = up;
        child.slot = &slot_;
        child.root = &promise_.unit_root();
        return start_nested(*current_execution, frame);
    }

    promise_base& promise_;
    task<T, E>& awaited_;
    result<T, E> slot_;
};

template <class T, class E>
class task_awaiter : task_awaiter_base<T, E>, suspension_point {
public:
    task_awaiter(task<T, E>& awaited, promise_base& promise) noexcept : task_awaiter_base<T, E>(awaited, promise) {}

    bool await_ready() { return this->ready_at_once(); }
    bool await_suspend(std::coroutine_handle<> waiting) {
        if (this->awaited_.is_started()) [[unlikely]] {
            this->frame = waiting.address();
            this->poll_again = &poll_this_again;
            suspend_unit(this->promise_, *this);
            return true;
        }
        if (this->start(up_to(&this->promise_, frame_kind::awaited))) return true;
        if (may_go_on(this->promise_)) [[likely]]
            return false;
        this->frame = waiting.address();
        this->poll_again = &go_on;
        suspend_unit(this->promise_, *this);
        return true;
    }
    outcome<T, E> await_resume() { return this->slot_.take(); }

private:
    static wait_end poll_this_again(suspension_point& point, context& cx) noexcept {
        return static_cast<task_awaiter&>(point).poll_started(cx) ? wait_end::ready : wait_end::pending;
    }
};

}  // namespace detail
}  // namespace pollux::inline v0
