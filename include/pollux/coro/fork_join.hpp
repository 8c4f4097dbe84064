// SPDX-License-Identifier: MIT
// fork_join: structured parallelism. The parent suspends once; its first child runs at once as a nested call, the
// others may be stolen. The protocol stands in fork_point.hpp; what happens below a plain poll, where no frame can be
// continued on another thread, in fork_fallback.hpp.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/coro/coroutine_task.hpp"
#include "pollux/coro/fork_fallback.hpp"
#include "pollux/coro/fork_locals.hpp"
#include "pollux/coro/fork_point.hpp"
#include "pollux/coro/forked_child.hpp"
#include "pollux/coro/into_task.hpp"
#include "pollux/coro/task.hpp"

namespace pollux::inline v0 {

namespace detail {

// Children that are tasks: C is task<T, E>. A forked child's slot is here; below a plain poll, children that were spawned have
// their results in front of their frames until the parent takes them. Stands in the parent's frame.
template <class... C>
class forked_children {
    static constexpr std::uint32_t count = sizeof...(C);
    using indices = std::make_index_sequence<count>;
    using outcomes = std::tuple<or_unit<outcome_of<C>>...>;

public:
    template <class... Frame>
    [[gnu::always_inline]] explicit forked_children(Frame... frames) noexcept {
        take_over(indices(), frames...);
    }
    forked_children(const forked_children&) = delete;
    forked_children& operator=(const forked_children&) = delete;
    [[gnu::always_inline]] ~forked_children() {
        if (fork_.point.unstarted != 0) [[unlikely]]
            drop();
    }

    [[gnu::always_inline]] bool run(void* parent) {
        const fork_end end = run_forks<count>(fork_.point, parent);
        if (end == fork_end::joined) [[likely]]
            return false;
        return end != fork_end::below_poll || suspend_below_poll(parent);
    }

    [[gnu::always_inline]] outcomes take() {
        if (fork_.point.unstarted != 0) [[unlikely]] {
            end_fallback();
            fork_.point.unstarted = 0;  // as behind a fork, for the optimizer to see
        }
        return take(indices());
    }

private:
    template <std::size_t... I, class... Frame>
    [[gnu::always_inline]] void take_over(std::index_sequence<I...>, Frame... frames) noexcept {
        ((frame(I) = frames), ...);
        (prepare_forked(frames, fork_.point, &std::get<I>(slots_), I + 1 == count), ...);
    }
    void*& frame(std::size_t i) noexcept { return fork_.frames[count - 1 - i]; }

    [[gnu::noinline]] bool suspend_below_poll(void* parent) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            if (fork_takes_locals()) (take_locals_along<typename C::value_type, typename C::error_type>(frame(I)), ...);
            ::new (static_cast<void*>(&fallback_)) fork_fallback();
            fallback_.begin(promise_at(parent), parent, fork_.frames, count);
            fork_.point.unstarted = below_poll_mark;
            if (fallback_.has_spawned())
                (fallback_.spawn(coroutine_task<typename C::value_type, typename C::error_type>::make_header(
                     frame(I), fallback_.child_id())),
                 ...);
            else
                (prepare_in_place(promise_at(frame(I)), &std::get<I>(slots_)), ...);
            return fallback_.suspend();
        }(indices());
    }

    // The braces evaluate in order, so the first exception in argument order is the one that is thrown.
    template <std::size_t... I>
    [[gnu::always_inline]] outcomes take(std::index_sequence<I...>) {
        return outcomes{take_stored(std::get<I>(slots_))...};
    }
    // All children have ended.
    [[gnu::noinline]] void end_fallback() {
        if (fallback_.has_spawned()) {
            [this]<std::size_t... I>(std::index_sequence<I...>) {
                (std::get<I>(slots_).take_over(
                     coroutine_task<typename C::value_type, typename C::error_type>::outcome_in_front_of(
                         fallback_.frame(count - 1 - I))),
                 ...);
            }(indices());
        }
        fallback_.~fork_fallback();
    }
    [[gnu::noinline]] void drop() noexcept {
        if (fork_.point.unstarted == below_poll_mark)
            fallback_.~fork_fallback();
        else
            drop_unstarted(fork_.point);
    }

    // The first is the one that is seldom used: see fork_awaiter::in_front_.
    union {
        fork_fallback fallback_;  // under the mark
    };
    fork_of<count> fork_;
    std::tuple<result<typename C::value_type, typename C::error_type>...> slots_;
};

template <class... C>
class [[nodiscard]] fork_awaiter {
public:
    [[gnu::always_inline]] explicit fork_awaiter(C&... children) noexcept : children_(children.release()...) {}
    fork_awaiter(const fork_awaiter&) = delete;
    fork_awaiter& operator=(const fork_awaiter&) = delete;
    [[gnu::always_inline]] ~fork_awaiter() {}

    bool await_ready() const noexcept { return false; }

    // False: all children have ended and the parent goes on at once. Nobody else resumes the frame before the join, so it is
    // still ours to continue even if thieves had the point in between.
    template <class P>
    [[gnu::always_inline]] bool await_suspend(std::coroutine_handle<P> parent) {
        return children_.run(parent.address());
    }
    [[gnu::always_inline]] auto await_resume() { return children_.take(); }

private:
    // Not used. An address inside of a local is computed where it is needed; that of the local itself clang keeps in a register all
    // through the coroutine, which each call saves.
    void* in_front_;
    forked_children<C...> children_;
};

// A child where fork_join finds it: a task is its parameter, anything else becomes a task here.
template <class F>
class fork_argument {
public:
    using child = decltype(detail::into_task(std::declval<F>()));

    explicit fork_argument(F& work) : child_(detail::into_task(std::move(work))) {}
    child& get() noexcept { return child_; }

private:
    child child_;
};
template <class T, class E>
class fork_argument<task<T, E>> {
public:
    using child = task<T, E>;

    explicit fork_argument(child& parameter) noexcept : child_(parameter) {}
    child& get() noexcept { return child_; }

private:
    child& child_;
};

// What fork_join returns. Its awaiter takes the frames out of the tasks; nobody else knows these, so they are empty when the expression
// is over, which the optimizer cannot see (fib: 5 instructions a call).
template <class... F>
class [[nodiscard]] fork_expression {
public:
    using awaiter = fork_awaiter<typename fork_argument<F>::child...>;

    explicit fork_expression(F&... children) : children_(children...) {}
    fork_expression(const fork_expression&) = delete;
    fork_expression& operator=(const fork_expression&) = delete;
    [[gnu::always_inline]] ~fork_expression() {
        if (is_taken_) std::apply([](auto&... each) { (each.get().assume_released(), ...); }, children_);
    }

    [[gnu::always_inline]] awaiter into_awaiter() noexcept {
        is_taken_ = true;
        return std::apply([](auto&... each) { return awaiter(each.get()...); }, children_);
    }

private:
    std::tuple<fork_argument<F>...> children_;
    bool is_taken_ = false;
};

}  // namespace detail

/// `auto [x, y] = co_await fork_join(a(), b());` runs the children in parallel and waits for all of them: a tuple of their
/// outcomes, `unit` for void. The first child runs at once on this worker, the others where a worker is free; without one
/// they run here, in order. Children are futures or callables without arguments; a `task` costs least. They may borrow from the
/// parent, share its id, its task locals and its budget, and do not start once it is cancelled. Awaited in the expression that makes
/// it; it is not a future.
///
/// Throws: after all children have ended, the first exception in argument order; std::bad_alloc, before any child has started.
/// Threads: the parent may go on on another worker.
/// Cancel: if the task is aborted, children that run end at their next suspension, and the last one destroys the parent; nobody
/// waits. Below a plain poll (a join, a select, a block_on) children are ordinary tasks, and destroying the parent
/// waits for a child that another worker is polling at that moment, for that one poll.
/// Cost: no allocation beyond the children's frames. A child that nobody steals costs no atomic read-modify-write. Below a
/// plain poll each child costs as much as a spawn, and one block more in the scope of a task_local; under a bare block_on they are
/// polled in place.
/// Source: child-first forks with an asymmetric fence, as in Cilk and libfork; the deque is Chase and Lev's.
template <class... F>
    requires(sizeof...(F) > 0)
auto fork_join(F... children) {
    return detail::fork_expression<F...>(children...);  // parameters live as long as the expression of the call
}

}  // namespace pollux::inline v0
