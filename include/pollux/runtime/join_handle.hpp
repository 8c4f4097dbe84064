// SPDX-License-Identifier: MIT
// The handles of a spawned task: join_handle is the future of its result, abort_handle can only end it, and a join_handle may be
// turned into one that ends the task when it goes. All point to the task's header and keep its block; all may outlive the task and
// the runtime. Their work on the state word is in lib/scheduler.
#pragma once

#include <coroutine>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/core/task_header.hpp"
#include "pollux/core/task_state.hpp"
#include "pollux/coro/await.hpp"
#include "pollux/coro/frame.hpp"
#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0 {

namespace detail {

// The functions on a task that handles call. Threads: any, but a join handle's by one at a time.
struct POLLUX_API task_ops {
    /// Ends the task: its future is destroyed by a worker. Never waits, never runs a destructor of the user's.
    static void abort(task_header&) noexcept;
    static bool is_finished(const task_header&) noexcept;
    /// True: the result is the handle's. False: `to_wake` will be woken.
    static bool poll_join(task_header& task, const waker& to_wake) noexcept {
        using states = task_states;
        const std::uint64_t seen = states::seen_by_joiner(task.state);
        if ((seen & (states::complete | states::join_waker)) == 0) return register_join(task, to_wake);
        return (seen & states::complete) != 0 || replace_joiner(task, to_wake);
    }
    /// The parts of it.
    static bool register_join(task_header&, const waker&) noexcept;
    static bool replace_joiner(task_header&, const waker&) noexcept;
    /// The handle goes. Its result is destroyed here, or by the worker that ends the task.
    static void drop_join(task_header&) noexcept;
    /// The handle has taken an exception out of the result.
    static void exception_was_seen(task_header&) noexcept;
    static void add_reference(task_header&) noexcept;
    static void drop_reference(task_header&) noexcept;
};

}  // namespace detail

/// Ends one task. Copies are of the same task. It keeps the task's memory, not its future or result.
///
/// Threads: any.
class abort_handle {
public:
    abort_handle(const abort_handle& other) noexcept : task_(other.task_), id_(other.id_) {
        if (task_ != nullptr) detail::task_ops::add_reference(*task_);
    }
    abort_handle(abort_handle&& other) noexcept : task_(std::exchange(other.task_, nullptr)), id_(other.id_) {}
    abort_handle& operator=(abort_handle other) noexcept {
        std::swap(task_, other.task_);
        std::swap(id_, other.id_);
        return *this;
    }
    ~abort_handle() {
        if (task_ != nullptr) detail::task_ops::drop_reference(*task_);
    }

    /// Cancels the task: it is not polled again, and a worker destroys its future. A task whose poll finishes at this moment
    /// keeps its result. Returns at once.
    void abort() const noexcept {
        if (task_ != nullptr) detail::task_ops::abort(*task_);
    }
    bool is_finished() const noexcept { return task_ == nullptr || detail::task_ops::is_finished(*task_); }
    task_id id() const noexcept { return id_; }

    /// For the library: takes over one reference.
    abort_handle(detail::task_header* task, task_id id) noexcept : task_(task), id_(id) {}

private:
    detail::task_header* task_;
    task_id id_;
};

namespace detail {

template <class T, class E>
class aborting_handle;
template <class T, class E>
class join_awaiter;

}  // namespace detail

/// The future of a spawned task's result. Dropping it, or detach(), lets the task go on.
///
/// Errors: the task's. Throws: when polled, what the task threw; `task_cancelled` if it was aborted or its runtime ended.
/// Threads: polled by one at a time; abort() and is_finished() from any. It may be moved at any time, also after a poll.
/// Cancel: dropping it while it is pending loses nothing: the task goes on, and its result is destroyed where it ends.
/// Cost: no allocation; a poll is one load, or two read-modify-writes to wait.
template <class T = void, class E = never>
class join_handle {
public:
    using value_type = T;
    using error_type = E;
    using frame_awaiter = detail::join_awaiter<T, E>;

    join_handle(join_handle&& other) noexcept
        : task_(std::exchange(other.task_, nullptr)), result_(other.result_), id_(other.id_) {}
    join_handle& operator=(join_handle&& other) noexcept {
        if (this != &other) {
            drop();
            task_ = std::exchange(other.task_, nullptr);
            result_ = other.result_;
            id_ = other.id_;
        }
        return *this;
    }
    ~join_handle() { drop(); }

    [[gnu::always_inline]] polled<T, E> poll(context& cx) {
        if (task_ == nullptr) [[unlikely]]
            return without_task();
        if (!detail::task_ops::poll_join(*task_, cx.waker())) return pending;
        if (!cx.consume_budget()) return pending;
        if (result_->state() > detail::result_state::error) [[unlikely]]
            rethrow();
        polled<T, E> answer = result_->take_polled();
        end();
        return answer;
    }

    /// As abort_handle's.
    void abort() const noexcept {
        if (task_ != nullptr) detail::task_ops::abort(*task_);
    }
    bool is_finished() const noexcept { return task_ == nullptr || detail::task_ops::is_finished(*task_); }
    task_id id() const noexcept { return id_; }
    /// Says that nobody will ask for the result.
    void detach() noexcept { drop(); }
    pollux::abort_handle abort_handle() const noexcept {
        if (task_ != nullptr) detail::task_ops::add_reference(*task_);
        return {task_, id_};
    }
    /// The same future, whose destruction aborts the task; it may be moved at any time as well. This handle is left without a
    /// task.
    detail::aborting_handle<T, E> abort_on_drop() && noexcept {
        return detail::aborting_handle<T, E>(std::move(*this));
    }

    /// For the library: takes over one reference and the interest in the result. Without a task: cancelled.
    join_handle(detail::task_header* task, detail::result<T, E>* result, task_id id) noexcept
        : task_(task), result_(result), id_(id) {}
    /// For the library: what was taken over, in another's hands. Only once.
    detail::task_header* release() noexcept { return std::exchange(task_, nullptr); }
    detail::result<T, E>* result_place() const noexcept { return result_; }

private:
    friend frame_awaiter;

    struct ending {
        join_handle& handle;
        ~ending() { handle.end(); }
    };

    // The result has been taken.
    void end() noexcept {
        result_->reset();
        detail::task_ops::drop_reference(*std::exchange(task_, nullptr));
    }
    // Of a task that is complete, or of a handle without one, which stops or throws here.
    [[gnu::always_inline]] outcome<T, E> take() {
        if (task_ == nullptr) [[unlikely]]
            without_task();
        if (result_->state() > detail::result_state::error) [[unlikely]]
            rethrow();
        const ending guard{*this};
        return result_->take();
    }
    [[noreturn, gnu::noinline, gnu::cold]] void rethrow() {
        if (result_->state() == detail::result_state::exception) detail::task_ops::exception_was_seen(*task_);
        const ending guard{*this};
        static_cast<void>(result_->take());
        __builtin_unreachable();
    }
    [[noreturn, gnu::noinline]] polled<T, E> without_task() const {
        if (result_ == nullptr) throw task_cancelled();
        detail::fail_check(
            "pollux: join_handle: polled after it was ready or moved from; poll a future to its end once");
    }
    void drop() noexcept {
        if (task_ != nullptr) detail::task_ops::drop_join(*std::exchange(task_, nullptr));
    }

    detail::task_header* task_;
    detail::result<T, E>* result_;  // null: the runtime had ended before the task was spawned
    task_id id_;
};

namespace detail {

// The await of a handle, lvalue or rvalue. As future_awaiter of it, but the result stays where it is until the frame goes on, and no
// answer of a poll is kept: of spawn and join 30 instructions. What a poll would throw comes out when the frame goes on.
template <class T, class E>
class join_awaiter : suspension_point {
public:
    using awaited = join_handle<T, E>;

    join_awaiter(join_handle<T, E>& handle, promise_base&) noexcept : handle_(handle) {}
    join_awaiter(const join_awaiter&) = delete;
    join_awaiter& operator=(const join_awaiter&) = delete;

    // It looks where it can wait as well: most have to.
    constexpr bool await_ready() const noexcept { return false; }
    template <class P>
    [[gnu::always_inline]] bool await_suspend(std::coroutine_handle<P> waiting) {
        task_header* const task = handle_.task_;
        if (task == nullptr) [[unlikely]]
            return false;
        const auto [root, cx] = leaf_of(waiting.promise());
        if (task_ops::poll_join(*task, cx.waker())) {
            // The leaf's unit, and that of an await which is ready at once.
            poll_budget* const budget = cx.budget();
            if (budget == nullptr || budget->take_two_units()) [[likely]]
                return false;
            if (ask_for_budget(waiting.promise())) return false;
            this->poll_again = &go_on;
        } else {
            this->poll_again = &poll_this_again;
        }
        this->frame = waiting.address();
        suspend_unit(*current_execution, root, *this);
        return true;
    }
    [[gnu::always_inline]] outcome<T, E> await_resume() { return handle_.take(); }

private:
    static wait_end poll_this_again(suspension_point& point, context& cx) noexcept {
        task_header* const task = static_cast<join_awaiter&>(point).handle_.task_;
        if (task == nullptr) [[unlikely]]
            return wait_end::ready;
        if (!task_states::is_complete(task->state)) [[unlikely]]
            return wait_on(*task, cx);
        static_assert(wait_end(true) == wait_end::ready && wait_end(false) == wait_end::pending);
        return wait_end(cx.consume_budget());
    }
    // Woken by somebody else.
    [[gnu::noinline]] static wait_end wait_on(task_header& task, context& cx) noexcept {
        return task_ops::poll_join(task, cx.waker()) ? wait_end(cx.consume_budget()) : wait_end::pending;
    }

    join_handle<T, E>& handle_;
};

// What abort_on_drop() gives. Moved from, it aborts nothing.
template <class T, class E>
class [[nodiscard]] aborting_handle {
public:
    using value_type = T;
    using error_type = E;

    explicit aborting_handle(join_handle<T, E>&& handle) noexcept : handle_(std::move(handle)) {}
    aborting_handle(aborting_handle&&) noexcept = default;
    aborting_handle& operator=(aborting_handle&& other) noexcept {
        if (this != &other) {
            handle_.abort();
            handle_ = std::move(other.handle_);
        }
        return *this;
    }
    ~aborting_handle() { handle_.abort(); }

    polled<T, E> poll(context& cx) { return handle_.poll(cx); }

    void abort() const noexcept { handle_.abort(); }
    bool is_finished() const noexcept { return handle_.is_finished(); }
    task_id id() const noexcept { return handle_.id(); }
    pollux::abort_handle abort_handle() const noexcept { return handle_.abort_handle(); }

private:
    join_handle<T, E> handle_;
};

}  // namespace detail

}  // namespace pollux::inline v0
