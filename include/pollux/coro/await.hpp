// SPDX-License-Identifier: MIT
// co_await of any future, and of a task. Called by the promises' await_transform, through awaitable.hpp. A future is polled in place, lvalue or
// rvalue; a task that nobody has polled yet is not polled but started, as a nested call into its frame.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
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

// Before an await, or after one of a task that has ended at once. False: this poll has had its share, and the unit has been woken for the
// next one. So no loop of awaits that are ready starves the other tasks. The budget is that of the frame's poll.
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

// The future is polled where its awaiter is made, so that one that is ready at once leaves no trace of the waiting in the frame: a fourth of
// an await's instructions. g++ 12 makes the awaiters of an expression with two before it suspends for the first, and would poll the second
// too early: there it is await_ready() that polls.
#if defined(__clang__)
inline constexpr bool polls_where_made = true;
#else
inline constexpr bool polls_where_made = false;
#endif

// Where an awaiter has the answer of a poll. One that need not be destroyed is nothing before the first poll, nor after one that has thrown,
// and is made where it stands: one that is assigned is put together elsewhere and copied.
template <class Answer>
class answer_place {
    static constexpr bool is_plain = std::is_trivially_destructible_v<Answer>;

public:
    answer_place(const answer_place&) = delete;
    answer_place& operator=(const answer_place&) = delete;

protected:
    answer_place() noexcept {
        if constexpr (!is_plain) ::new (static_cast<void*>(&answer_)) Answer(pending);
    }
    ~answer_place() {
        if constexpr (!is_plain) answer_.~Answer();
    }
    template <class F>
    [[gnu::always_inline]] void answer_by(F& fut, context& cx) {
        if constexpr (is_plain)
            ::new (static_cast<void*>(&answer_)) Answer(fut.poll(cx));
        else
            answer_ = fut.poll(cx);
    }
    void answer_pending() noexcept {
        if constexpr (is_plain)
            ::new (static_cast<void*>(&answer_)) Answer(pending);
        else
            answer_ = pending;
    }

    union {
        Answer answer_;
    };
};

// Of what is awaited its answer stands in the frame, and itself if it is no lvalue.
template <class A>
consteval void refuse_over_aligned() {
    using F = std::remove_cvref_t<A>;
    if constexpr (future<F>)
        static_assert(alignof(polled<typename F::value_type, typename F::error_type>) <= frame_alignment &&
                          (std::is_lvalue_reference_v<A> || alignof(F) <= frame_alignment),
                      "pollux: co_await: an over-aligned future, value or error does not fit into a coroutine frame; "
                      "put it behind boxed() or a std::unique_ptr");
}

// What await and try_ of a future have in common. The answer is at its beginning: clang keeps the place of any other member in the frame
// while it waits.
template <class F>
class polling_awaiter : answer_place<polled<typename F::value_type, typename F::error_type>>,
                        protected suspension_point {
protected:
    using answer_type = polled<typename F::value_type, typename F::error_type>;

    [[gnu::always_inline]] polling_awaiter(F& fut, promise_base& promise) {
        if constexpr (polls_where_made) {
            poll_first(fut, promise);
        } else {
            expect_drop(*this);
            this->frame = promise.frame();
            fut_ = std::addressof(fut);
        }
    }
    ~polling_awaiter() { drop_thrown(*this); }

    [[gnu::always_inline]] bool is_ready_at_once() {
        if constexpr (!polls_where_made) poll_first(*fut_, promise_at(this->frame));
        return is_answered();
    }
    bool is_answered() const noexcept { return this->answer_.is_ready(); }
    template <class P>
    [[gnu::always_inline]] void wait(std::coroutine_handle<P> waiting,
                                     decltype(suspension_point::poll_again) again) noexcept {
        this->poll_again = again;
        this->frame = waiting.address();
        suspend_unit(waiting.promise(), *this);
    }
    answer_type& answer() {
        if (this->answer_.is_pending()) [[unlikely]]
            rethrow_thrown(*this);
        return this->answer_;
    }
    // For poll_again: as it says, and what `fn` says where the future is ready. Both may throw.
    template <class Fn>
    [[gnu::always_inline]] wait_end poll_once_more(context& cx, Fn fn) noexcept {
        try {
            this->answer_by(*fut_, cx);
            return is_answered() ? fn() : wait_end::pending;
        } catch (...) {
            this->answer_pending();
            return keep_thrown(*this);
        }
    }

private:
    // The unit comes first: whoever has to wait for one has not looked at the future, and need not keep its answer.
    [[gnu::always_inline]] void poll_first(F& fut, promise_base& promise) {
        context& cx = leaf_context(promise);
        if (may_go_on(promise, cx.budget())) [[likely]]
            this->answer_by(fut, cx);
        else
            this->answer_pending();
        if (!is_answered()) fut_ = std::addressof(fut);
    }

    F* fut_;  // once it has to be polled again
};

template <class F>
class future_awaiter : polling_awaiter<F> {
public:
    [[gnu::always_inline]] future_awaiter(F& fut, promise_base& promise) : polling_awaiter<F>(fut, promise) {}

    [[gnu::always_inline]] bool await_ready() { return this->is_ready_at_once(); }
    template <class P>
    [[gnu::always_inline]] void await_suspend(std::coroutine_handle<P> waiting) noexcept {
        this->wait(waiting, &poll_this_again);
    }
    outcome_of<F> await_resume() { return this->answer().take(); }

private:
    static wait_end poll_this_again(suspension_point& point, context& cx) noexcept {
        return static_cast<future_awaiter&>(point).poll_once_more(cx, [] { return wait_end::ready; });
    }
};

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
    // Below the frame that awaits it, with `up` saying how that one goes on. False: it has ended and the awaiting frame goes on at once.
    // True: all levels return to the loop; if it is started by a later poll, that asks `point` by `late`.
    [[gnu::always_inline]] bool start(std::uintptr_t up, suspension_point& point,
                                      decltype(suspension_point::poll_again) late) {
        void* const frame = awaited_.release();
#ifndef NDEBUG
        if (frame == nullptr)
            fail_check("pollux: co_await: the task has no coroutine; it was awaited or moved from before");
#endif
        promise_base& child = promise_at(frame);
        child.up = up;
        child.slot = &slot_;
        child.root = &promise_.unit_root();
        execution& self = *current_execution;
        if (--self.nested_left == 0) [[unlikely]] {
            start_by_loop(promise_, child, point, late);
            return true;
        }
        resume_frame_at(frame);
        if (self.suspension != suspension_kind::none) [[unlikely]]
            return true;
        ++self.nested_left;
        return false;
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
        if (this->start(up_to(&this->promise_, frame_kind::awaited), *this, &go_on)) return true;
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
