// SPDX-License-Identifier: MIT
// fork_join and fork_all: structured parallelism. The parent suspends once; its first child runs at once as a nested call, the
// others may be stolen. The protocol stands in fork_point.hpp; what happens below a plain poll, where no frame can be
// continued on another thread, in fork_fallback.hpp.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/coro/coroutine_task.hpp"
#include "pollux/coro/fork_fallback.hpp"
#include "pollux/coro/fork_locals.hpp"
#include "pollux/coro/fork_point.hpp"
#include "pollux/coro/into_task.hpp"
#include "pollux/coro/task.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class T, class E>
or_unit<outcome<T, E>> take_stored(result<T, E>& from) {
    if constexpr (std::is_void_v<outcome<T, E>>) {
        from.take();
        return unit();
    } else {
        return from.take();
    }
}

// Null: a child that was destroyed where there was no memory.
inline void drop_unstarted(void** first, void** end) noexcept {
    for (; first != end; ++first)
        if (*first != nullptr) std::coroutine_handle<>::from_address(*first).destroy();
}

// Children that are tasks: C is task<T, E>. A forked child's slot is here; below a plain poll, children that were spawned have
// their results in front of their frames.
template <class... C>
class [[nodiscard]] fork_awaiter {
    static constexpr std::size_t count = sizeof...(C);

public:
    using awaits_itself = void;

    explicit fork_awaiter(C&&... children) noexcept : frames_{children.release()...} {}
    fork_awaiter(const fork_awaiter&) = delete;
    fork_awaiter& operator=(const fork_awaiter&) = delete;
    ~fork_awaiter() {
        if (point_.next_child != count) [[unlikely]]
            drop_children();
    }

    bool await_ready() const noexcept { return false; }

    // False: all children have ended and the parent goes on at once. Nobody else resumes the frame before the join, so it is
    // still ours to continue even if thieves had the point in between.
    template <class P>
    [[gnu::always_inline]] bool await_suspend(std::coroutine_handle<P> parent) {
        execution& base = *current_execution;
        if (!base.can_fork) [[unlikely]]
            return suspend_below_poll(parent.promise(), parent.address());
        auto& self = static_cast<forking_execution&>(base);
        point_.parent = parent.address();
        point_.task = self.task;
        point_.children = frames_;
        point_.child_count = count;
        prepare(std::make_index_sequence<count>());
        if constexpr (count > 1) {
            if ((self.fork_budget -= static_cast<std::int32_t>(count - 1)) <= 0) [[unlikely]]
                if (!may_start(self)) return true;
        }
        if (++self.nested_frames >= max_nested_frames) [[unlikely]]
            return start_by_loop(self);
        return run_nested(self, std::make_index_sequence<count>());
    }

    auto await_resume() { return collect(std::make_index_sequence<count>()); }

private:
    template <std::size_t... I>
    [[gnu::always_inline]] void prepare(std::index_sequence<I...>) noexcept {
        (prepare_child(promise_at(frames_[I]), &std::get<I>(slots_),
                       I + 1 == count ? frame_kind::forked_last : frame_kind::forked),
         ...);
    }
    [[gnu::always_inline]] void prepare_child(promise_base& child, void* slot, frame_kind kind) noexcept {
        child.up = up_to(static_cast<runnable*>(&point_), kind);
        child.slot = slot;
    }

    // Children that neither suspend nor lose their parent to a thief, with all counts known to the compiler.
    template <std::size_t... I>
    [[gnu::always_inline]] bool run_nested(forking_execution& self, std::index_sequence<I...>) {
        bool parent_is_ours = true;
        const bool straight = ([&]() __attribute__((always_inline)) {
            point_.next_child = I + 1;
            if constexpr (I + 1 != count) {
                if (!point_.publish(self)) [[unlikely]]
                    fail_to_fork(self);
            }
            std::coroutine_handle<>::from_address(frames_[I]).resume();
            if (self.suspension != suspension_kind::none) [[unlikely]] {
                parent_is_ours = false;
                return false;
            }
            if constexpr (I + 1 != count) {
                if (self.forks.pop_own()) [[likely]]
                    return true;
                parent_is_ours = end_with_others(self, point_, join_role::child);
            } else {
                if (!point_.was_taken()) [[likely]]
                    return true;
                parent_is_ours = end_with_others(self, point_, join_role::holder);
            }
            return false;
        }() && ...);
        if (!straight && !parent_is_ours) [[unlikely]]
            return true;  // touch nothing here: the parent may be running elsewhere by now
        --self.nested_frames;
        return false;
    }

    [[gnu::noinline]] bool start_by_loop(forking_execution& self) {
        point_.next_child = 1;
        if constexpr (count > 1)
            if (!point_.publish(self)) fail_to_fork(self);
        self.next_frame = frames_[0];
        self.suspension = suspension_kind::go_on;
        return true;
    }
    [[noreturn, gnu::noinline, gnu::cold]] void fail_to_fork(forking_execution& self) {
        --self.nested_frames;
        point_.next_child = 0;
        throw std::bad_alloc();
    }
    [[gnu::noinline]] bool may_start(forking_execution& self) noexcept { return look_before_fork(self, point_); }

    // Below a plain poll.
    [[gnu::noinline]] bool suspend_below_poll(promise_base& promise, void* parent) {
        if (fork_takes_locals()) {
            [this]<std::size_t... I>(std::index_sequence<I...>) {
                (take_locals_along<typename C::value_type, typename C::error_type>(frames_[I]), ...);
            }(std::make_index_sequence<count>());
        }
        fallback_.begin(promise, parent, frames_, count);
        point_.next_child = count;  // from here on the fallback's
        if (fallback_.has_runtime()) {
            [this]<std::size_t... I>(std::index_sequence<I...>) {
                (fallback_.spawn(coroutine_task<typename C::value_type, typename C::error_type>::make_header(
                     frames_[I], fallback_.child_id())),
                 ...);
            }(std::make_index_sequence<count>());
        } else {
            [this]<std::size_t... I>(std::index_sequence<I...>) {
                (prepare_in_place(promise_at(frames_[I]), &std::get<I>(slots_)), ...);
            }(std::make_index_sequence<count>());
        }
        return fallback_.suspend();
    }

    template <std::size_t... I>
    auto collect(std::index_sequence<I...>) {
        // The braces evaluate in order, so the first exception in argument order is the one that is thrown.
        return std::tuple<or_unit<outcome_of<C>>...>{take_stored(slot_of<I, C>())...};
    }
    template <std::size_t I, class Child>
    auto& slot_of() noexcept {
        if (fallback_.has_spawned()) [[unlikely]]
            return coroutine_task<typename Child::value_type, typename Child::error_type>::outcome_in_front_of(
                fallback_.frame(I));
        return std::get<I>(slots_);
    }
    [[gnu::noinline]] void drop_children() noexcept { drop_unstarted(frames_ + point_.next_child, frames_ + count); }

    fork_point point_;
    void* frames_[count];
    std::tuple<result<typename C::value_type, typename C::error_type>...> slots_;
    fork_fallback fallback_;
};

// As fork_awaiter, for a number of children that is known at run time. Children are always started by the loop.
template <class T, class E>
class [[nodiscard]] fork_all_awaiter {
public:
    using awaits_itself = void;

    explicit fork_all_awaiter(std::vector<task<T, E>>&& children)
        : count_(children.size()), slots_(std::make_unique<result<T, E>[]>(count_)), frames_(new void*[count_]) {
        for (std::size_t i = 0; i != count_; ++i) frames_[i] = children[i].release();
    }
    fork_all_awaiter(const fork_all_awaiter&) = delete;
    fork_all_awaiter& operator=(const fork_all_awaiter&) = delete;
    ~fork_all_awaiter() { drop_unstarted(frames_.get() + point_.next_child, frames_.get() + count_); }

    bool await_ready() const noexcept { return count_ == 0; }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> parent) {
        execution& base = *current_execution;
        if (!base.can_fork) return suspend_below_poll(parent.promise(), parent.address());
        auto& self = static_cast<forking_execution&>(base);
        point_.parent = parent.address();
        point_.task = self.task;
        point_.children = frames_.get();
        point_.child_count = static_cast<std::uint32_t>(count_);
        for (std::size_t i = 0; i != count_; ++i) {
            promise_base& child = promise_at(frames_[i]);
            child.up =
                up_to(static_cast<runnable*>(&point_), i + 1 == count_ ? frame_kind::forked_last : frame_kind::forked);
            child.slot = &slots_[i];
        }
        self.fork_budget -= static_cast<std::int32_t>(count_ - 1);
        if (self.fork_budget <= 0 && !look_before_fork(self, point_)) return true;
        point_.next_child = 1;
        if (count_ > 1 && !point_.publish(self)) {
            point_.next_child = 0;
            throw std::bad_alloc();
        }
        self.next_frame = frames_[0];
        self.suspension = suspension_kind::go_on;
        return true;
    }

    std::vector<or_unit<outcome<T, E>>> await_resume() {
        std::vector<or_unit<outcome<T, E>>> outcomes;
        outcomes.reserve(count_);
        for (std::size_t i = 0; i != count_; ++i)
            outcomes.push_back(take_stored(
                fallback_.has_spawned() ? coroutine_task<T, E>::outcome_in_front_of(fallback_.frame(i)) : slots_[i]));
        return outcomes;
    }

private:
    bool suspend_below_poll(promise_base& promise, void* parent) {
        if (fork_takes_locals())
            for (std::size_t i = 0; i != count_; ++i) take_locals_along<T, E>(frames_[i]);
        fallback_.begin(promise, parent, frames_.get(), count_);
        point_.next_child = static_cast<std::uint32_t>(count_);
        for (std::size_t i = 0; i != count_; ++i) {
            if (fallback_.has_runtime())
                fallback_.spawn(coroutine_task<T, E>::make_header(frames_[i], fallback_.child_id()));
            else
                prepare_in_place(promise_at(frames_[i]), &slots_[i]);
        }
        return fallback_.suspend();
    }

    fork_point point_;
    std::size_t count_;
    std::unique_ptr<result<T, E>[]> slots_;
    std::unique_ptr<void*[]> frames_;
    fork_fallback fallback_;
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
auto fork_join(F&&... children) {
    return detail::fork_awaiter<decltype(detail::into_task(std::forward<F>(children)))...>(
        detail::into_task(std::forward<F>(children))...);
}

/// As fork_join, for a range of futures of one type: a vector of their outcomes, in order.
///
/// Cost: two allocations for the children's places and results.
template <class Range>
auto fork_all(Range&& children) {
    using F = std::ranges::range_value_t<Range>;
    using child = decltype(detail::into_task(std::declval<F>()));
    std::vector<child> tasks;
    if constexpr (std::ranges::sized_range<Range>) tasks.reserve(std::ranges::size(children));
    for (auto&& one : children) {
        if constexpr (std::is_lvalue_reference_v<Range> || std::ranges::borrowed_range<std::remove_cvref_t<Range>>)
            tasks.push_back(detail::into_task(F(one)));
        else
            tasks.push_back(detail::into_task(std::move(one)));
    }
    return detail::fork_all_awaiter<typename child::value_type, typename child::error_type>(std::move(tasks));
}

}  // namespace pollux::inline v0
