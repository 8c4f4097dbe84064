// SPDX-License-Identifier: MIT
// task_scope: tasks that may borrow from whoever awaits them, because none outlives that await. Children run like spawned tasks and count
// themselves in scope_children; here are the types of values and errors.
#pragma once

#include <exception>
#include <expected>
#include <source_location>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/coro/into_task.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/runtime/scope_children.hpp"

namespace pollux::inline v0 {

template <class E = never>
class scope;

namespace detail {

template <class E, class Fn>
class task_scope_future;

// What a frame of a child keeps. The link is above the work, so that it is destroyed after it.
template <class E, class W>
struct scoped_work {
    template <class X>
    scoped_work(scope<E>& owner, scope_link*& at, X&& x) : link(at), of(owner), work(std::forward<X>(x)) {}

    scope_link link;
    scope<E>& of;
    W work;
};

// What a child's work gives: a future as it is; of a callable, what it returns.
template <class W>
struct given_by {
    using type = std::invoke_result_t<W&>;
    using error_type = typename called_by<W>::error_type;
};
template <class W>
    requires future<W>
struct given_by<W> {
    using type = W;
    using error_type = error_type_of<W>;
};

}  // namespace detail

/// Where the children of a `task_scope` are spawned. It lives in the future of the scope; children may keep references to it.
///
/// Threads: any, while `fn` or a child runs.
template <class E>
class scope {
    static_assert(std::is_object_v<E>, "pollux: scope<E>: E is not an object; use a pointer or std::reference_wrapper");

public:
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;

    /// Starts `work`, a future or a callable without arguments (as `lazy`), as a task of the scope's runtime. It may borrow what
    /// outlives the await of the scope, and may spawn into the scope itself. Its value is dropped; its error, converted to E, or its
    /// exception is the scope's, if it is the first. If the scope has failed or its runtime is ending, the work is destroyed here
    /// without a poll. A callable is kept until the child has ended, so a capturing lambda may be a coroutine.
    ///
    /// Throws: std::bad_alloc, and what moving the work throws; then it is destroyed and the scope goes on.
    /// Threads: any. The work runs on any worker, and is destroyed by one.
    /// Cost: one block for the child; another for its frame if it is a coroutine, or a callable that returns one. A short lock that
    /// all spawns and ends of the scope share.
    template <class F>
    void spawn(F&& work, std::source_location where = std::source_location::current()) {
        using W = std::decay_t<F>;  // a pointer, if it is the name of a function
        constexpr bool is_work = future<W> || std::is_invocable_v<W&>;
        static_assert(
            is_work,
            "pollux: scope::spawn: the argument is neither a future nor a callable without arguments; a future needs "
            "value_type, error_type and poll(context&)");
        static_assert(std::is_constructible_v<W, F>,
                      "pollux: scope::spawn: takes ownership; pass std::move(x), or by_ref(x) to lend a future");
        if constexpr (is_work && std::is_constructible_v<W, F>) {
            static_assert(alignof(W) <= detail::frame_alignment,
                          "pollux: scope::spawn: over-aligned work does not fit into a task; put it behind boxed()");
            using G = typename detail::given_by<W>::error_type;
            constexpr bool meets = std::is_same_v<G, never> || std::is_convertible_v<G, E>;
            static_assert(
                meets,
                "pollux: scope::spawn: the child's error type does not convert to the scope's; name one for both, "
                "task_scope<E>(fn), or map_err it");
            if constexpr (meets) {
                detail::scope_link* link = nullptr;
                task<> child = run<W>(detail::scoped_work<E, W>(*this, link, std::forward<F>(work)));
                children_.start(child.release(), *link, where);
            }
        }
    }

private:
    template <class E2, class Fn>
    friend class detail::task_scope_future;

    scope() noexcept = default;

    // The frame of a child. Nothing leaves it but by fail().
    template <class W>
    static task<> run(detail::scoped_work<E, W> child) {
        constexpr bool can_fail = !std::is_same_v<typename detail::given_by<W>::error_type, never>;
        try {
            if constexpr (future<W> && can_fail) {
                auto end = co_await child.work;
                child.of.look_at(end);
            } else if constexpr (future<W>) {
                static_cast<void>(co_await child.work);
            } else if constexpr (future<typename detail::given_by<W>::type> && can_fail) {
                auto end = co_await child.work();
                child.of.look_at(end);
            } else if constexpr (future<typename detail::given_by<W>::type>) {
                static_cast<void>(co_await child.work());
            } else if constexpr (can_fail) {
                auto end = child.work();
                child.of.look_at(end);
            } else {
                static_cast<void>(child.work());
            }
        } catch (...) {
            child.of.fail();
        }
        child.link.finish();
        co_return;
    }

    template <class T, class G>
    void look_at(std::expected<T, G>& end) {
        if (!end.has_value()) fail(std::move(end).error());
    }
    template <class G>
    void fail(G&& error) {
        if (!children_.claim_failure()) return;
        try {
            failure_.set_error(std::forward<G>(error));
        } catch (...) {
            failure_.set_exception(std::current_exception());
        }
    }
    // In a handler.
    void fail() noexcept {
        if (children_.claim_failure()) failure_.set_exception(std::current_exception());
    }

    detail::scope_children children_;
    // Of who has claimed it, until the last child has ended; then of whoever polls the scope.
    detail::result<void, E> failure_;
};

namespace detail {

// `fn` with the scope, as a callable without arguments.
template <class E, class Fn>
struct with_scope {
    Fn& fn;
    pollux::scope<E>& of;
    std::invoke_result_t<Fn&, pollux::scope<E>&> operator()() const { return fn(of); }
};

template <class E, class Fn>
class [[nodiscard]] task_scope_future {
    using inner = called_future<with_scope<E, Fn>, void>;

public:
    using value_type = value_type_of<inner>;
    using error_type = E;

    explicit task_scope_future(Fn fn) : fn_(std::move(fn)) {}
    /// Before the first poll; the slot sees to that.
    task_scope_future(task_scope_future&& other) noexcept(std::is_nothrow_move_constructible_v<Fn>)
        : fn_(std::move(other.fn_)), inner_(other.inner_) {}
    task_scope_future& operator=(task_scope_future&&) = delete;
    // What children may have borrowed from is destroyed after them.
    ~task_scope_future() { children().cancel_and_wait(); }

    polled<value_type, E> poll(context& cx) {
        debug_check(!has_ended_, "pollux: task_scope: polled after it was ready; destroy a future once it is ready");
        if (!children().is_open()) children().open(cx);
        if (!fn_has_ended_ && children().state() == scope_state::open) poll_fn(cx);
        if (!children().poll_end(cx, fn_has_ended_)) return pending;
        has_ended_ = true;
        inner_.reset();
        switch (children().state()) {
            case scope_state::open: return std::move(answer_);
            case scope_state::failed: return failure();
            case scope_state::cancelled:
            case scope_state::dropped: break;
        }
        throw_task_cancelled();
    }

private:
    scope_children& children() noexcept { return scope_.children_; }

    void poll_fn(context& cx) {
        try {
            if (inner_.is_untouched()) {
                inner_.emplace([this]() -> inner {
                    with_scope<E, Fn> bound{fn_, scope_};
                    unit nothing;
                    return detail::call_future<void>(bound, nothing);
                });
            }
            auto end = (*inner_).poll(cx);
            if (end.is_pending()) return;
            if (end.has_value()) {
                answer_ = pass_value<polled<value_type, E>>(end);
            } else if constexpr (!std::is_same_v<error_type_of<inner>, never>) {
                scope_.fail(std::move(end.error()));
            }
        } catch (...) {
            scope_.fail();
        }
        fn_has_ended_ = true;
    }

    polled<value_type, E> failure() {
        if constexpr (!std::is_same_v<E, never>)
            if (scope_.failure_.state() == result_state::error)
                return polled<value_type, E>::failed(std::move(scope_.failure_.error()));
        static_cast<void>(scope_.failure_.take());
        __builtin_unreachable();
    }

    [[no_unique_address]] Fn fn_;
    pollux::scope<E> scope_;
    slot<inner> inner_;  // below both, which it may point into
    polled<value_type, E> answer_{pending};
    bool fn_has_ended_ = false;
    bool has_ended_ = false;
};

}  // namespace detail

/// `co_await task_scope([&](scope<>& s) -> task<int> { s.spawn(child(local)); co_return 1; })` calls `fn` with a scope, and is ready with
/// what the future, `std::expected` or plain value that `fn` returns gives, once every child that was spawned into the scope has ended. So
/// children may borrow from the caller and from the closure; not from the locals of a coroutine `fn`, which ends before they do. They are
/// tasks of the poll's runtime (else of this thread's), run in parallel, and have ids of their own; task locals are not theirs.
/// Awaited in the expression that makes it.
///
/// Errors: the first of `fn` or a child, converted to E; the rest is cancelled. Throws: likewise, the first exception; task_cancelled if
/// the end of the runtime cancelled a child; no_runtime, std::bad_alloc. Of two failures at once either wins. Whatever it ends with, every
/// child's future has been destroyed before, and then that of `fn`.
/// Threads: `fn` and its future are polled by whoever polls the scope, children by any worker. It may be moved until its first poll.
/// Cancel: dropping it cancels the children and returns when they are destroyed: it waits for a child that another worker is polling at
/// that moment, for that one poll. A child must not be the one who drops its own scope. It destroys children that have waited on its own
/// stack: scopes inside of each other's children, some thousands deep, need as much of it.
/// Cost: one block; for a child see `scope::spawn`. A `fork_join` in a child forks as in a spawned task, one in `fn` as below a plain poll.
/// Source: structured concurrency, as the nurseries of Trio and Rust's std::thread::scope.
template <class E = never, class Fn>
auto task_scope(Fn fn) {
    constexpr bool takes_scope = std::is_invocable_v<Fn&, scope<E>&>;
    static_assert(
        takes_scope,
        "pollux: task_scope: the argument is not a callable that takes a scope<E>&; E is never unless it is named, "
        "task_scope<E>(fn)");
    if constexpr (takes_scope) {
        using G = detail::error_type_of<detail::called_future<detail::with_scope<E, Fn>, void>>;
        constexpr bool meets = std::is_same_v<G, never> || std::is_convertible_v<G, E>;
        static_assert(
            meets,
            "pollux: task_scope: the error type of what the callable returns does not convert to the scope's; name "
            "one for both, task_scope<E>(fn), or map_err it");
        if constexpr (meets) return detail::task_scope_future<E, Fn>(std::move(fn));
    }
}

}  // namespace pollux::inline v0
