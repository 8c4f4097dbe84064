// SPDX-License-Identifier: MIT
// join_set: tasks that are awaited together, as a stream of their results in the order in which they end. It counts, orders and
// aborts them in join_entries; here are the types of values and errors.
#pragma once

#include <cstddef>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/runtime/join_entries.hpp"
#include "pollux/runtime/join_handle.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/spawn.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class T, class E>
class next_with_id_future;
template <class Set>
class join_all_tasks_future;

// Of a task of a join_set<T, E> that gives `V` or `G`: each is the set's, or never.
template <class V, class G, class T, class E>
void take_from_entry(join_entry& entry, void* answer) {
    join_handle<V, G> handle(std::exchange(entry.task, nullptr), static_cast<result<V, G>*>(entry.result), entry.id);
    context cx(noop_waker());  // it has ended: nobody is to be woken
    *static_cast<polled<T, E>*>(answer) = handle.poll(cx);
}

}  // namespace detail

/// Tasks that are awaited together: a stream of their results, in the order in which they end. It is at its end when it is empty, and
/// goes on when it is filled again. Dropping it aborts the tasks that are left; it waits for none, and their futures are destroyed by
/// workers.
///
/// Errors: those of the tasks; the stream goes on. Throws: when polled, what a task threw, or task_cancelled if it was aborted or
/// its runtime ended; that task is out of the set, and the stream goes on.
/// Threads: used by one at a time; the tasks run on any. It may be moved at any time, also after a poll.
/// Cancel: dropping a pending `next` or `next_with_id` loses nothing. Dropping the set drops results that were not taken, here.
/// Cost: an allocation for each task beside the task's own, one for the set; none for a poll or a wake-up. A result costs the same
/// however many tasks are in the set, and one unit of the poll's budget.
/// Source: the set of tasks that is polled for the next one that has ended, as Tokio's JoinSet.
template <class T = void, class E = never>
class [[nodiscard]] join_set {
public:
    using value_type = detail::or_unit<T>;
    using error_type = E;

    join_set() noexcept = default;
    join_set(join_set&&) noexcept = default;
    /// Aborts the tasks that were in this one.
    join_set& operator=(join_set&&) noexcept = default;
    ~join_set() = default;

    /// Spawns `work`, as pollux::spawn does, and puts the task into the set. Its value and error types are those of the set, or
    /// never. If it ends at once it is taken in its turn all the same.
    ///
    /// Throws: no_runtime outside a runtime; std::bad_alloc. Then the set is as it was.
    template <class F>
    pollux::abort_handle spawn(F&& work, std::source_location where = std::source_location::current()) {
        return add([&] { return pollux::spawn(std::forward<F>(work), where); });
    }
    /// The same on the runtime of `on`, from any thread.
    template <class F>
    pollux::abort_handle spawn(F&& work, const runtime_handle& on,
                               std::source_location where = std::source_location::current()) {
        return add([&] { return on.spawn(std::forward<F>(work), where); });
    }

    /// Tasks that were not taken yet, whether they have ended or not.
    std::size_t size() const noexcept { return tasks_.size(); }
    bool empty() const noexcept { return size() == 0; }

    polled<std::optional<value_type>, E> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, E>;
        task_id id;
        polled<T, E> ended = poll_task(cx, id);
        if (ended.has_error()) return detail::pass_error<answer>(ended);
        if (ended.has_value()) return answer::ready(std::in_place, std::move(ended.value()));
        if (empty()) return answer::ready();
        return pending;
    }

    /// The next result with its task's id: a future of `std::optional<std::pair<task_id, outcome>>`, nothing if the set is empty.
    /// `unit` stands for void. It refers to the set.
    ///
    /// Throws: when polled, as the stream.
    detail::next_with_id_future<T, E> next_with_id() & noexcept { return detail::next_with_id_future<T, E>(*this); }
    /// All results, in the order in which the tasks end: a future of `std::vector<outcome>`, ready when the set is empty. `unit`
    /// stands for void. It refers to the set, or owns one that is moved: `std::move(set).join_all()`.
    ///
    /// Throws: when polled, as the stream, at the first task that threw or was aborted; the others stay in the set.
    /// Cancel: dropping it drops the results that it has taken.
    detail::join_all_tasks_future<join_set&> join_all() & noexcept {
        return detail::join_all_tasks_future<join_set&>(*this);
    }
    detail::join_all_tasks_future<join_set> join_all() && noexcept {
        return detail::join_all_tasks_future<join_set>(std::move(*this));
    }

    /// Aborts all tasks. They stay in the set: each throws task_cancelled when it is taken, or gives its result if it had ended.
    void abort_all() noexcept { tasks_.abort_all(); }
    /// Empties the set and lets the tasks go on, as join_handle::detach() does.
    void detach_all() noexcept { tasks_.detach_all(); }

    /// For the library: the answer of the task that ended first. Pending also if the set is empty.
    polled<T, E> poll_task(context& cx, task_id& id) {
        polled<T, E> answer = pending;
        if (const auto ended = tasks_.poll(cx); ended != nullptr) {
            id = ended->id;
            ended->take(*ended, &answer);
        }
        return answer;
    }

private:
    template <class Spawn>
    pollux::abort_handle add(Spawn start) {
        using handle = std::invoke_result_t<Spawn&>;
        using V = typename handle::value_type;
        using G = typename handle::error_type;
        constexpr bool has_value = std::is_same_v<V, T> || std::is_same_v<V, never>;
        constexpr bool has_error = std::is_same_v<G, E> || std::is_same_v<G, never>;
        static_assert(
            has_value,
            "pollux: join_set::spawn: the task's value type is not the set's; map it to that, or give the set "
            "another type");
        static_assert(
            has_error,
            "pollux: join_set::spawn: the task's error type is not the set's; map_err it to that, or give the "
            "set another type");
        detail::join_entries::owned_entry entry = tasks_.reserve();  // before the task is there
        handle started = start();
        pollux::abort_handle abort = started.abort_handle();
        entry->id = started.id();
        entry->result = started.result_place();
        entry->task = started.release();
        if constexpr (has_value && has_error) entry->take = &detail::take_from_entry<V, G, T, E>;
        tasks_.add(std::move(entry));
        return abort;
    }

    detail::join_entries tasks_;
};

namespace detail {

// Of a task, where an object is needed.
template <class T, class E>
using task_outcome = or_unit<outcome<T, E>>;

template <class T, class E>
task_outcome<T, E> take_task_outcome(polled<T, E>& answer) {
    if constexpr (std::is_void_v<outcome<T, E>>)
        return unit();
    else
        return answer.take();
}

template <class T, class E>
class [[nodiscard]] next_with_id_future {
public:
    using value_type = std::optional<std::pair<task_id, task_outcome<T, E>>>;
    using error_type = never;

    explicit next_with_id_future(join_set<T, E>& set) noexcept : set_(&set) {}

    polled<value_type> poll(context& cx) {
        using answer = polled<value_type>;
        task_id id;
        polled<T, E> ended = set_->poll_task(cx, id);
        if (ended.is_ready()) return answer::ready(std::in_place, id, take_task_outcome(ended));
        if (set_->empty()) return answer::ready();
        return pending;
    }

private:
    join_set<T, E>* set_;
};

template <class T, class E>
polled<T, E> answer_of_set(const join_set<T, E>&);

// `Set` is a join_set, or a reference to one.
template <class Set>
class [[nodiscard]] join_all_tasks_future {
    using task_answer = decltype(detail::answer_of_set(std::declval<Set&>()));
    using item = task_outcome<typename task_answer::value_type, typename task_answer::error_type>;

public:
    using value_type = std::vector<item>;
    using error_type = never;

    explicit join_all_tasks_future(Set&& set) noexcept : set_(std::forward<Set>(set)) {}

    polled<value_type> poll(context& cx) {
        for (;;) {
            task_id id;
            task_answer ended = set_.poll_task(cx, id);
            if (ended.is_ready())
                results_.push_back(detail::take_task_outcome(ended));
            else if (set_.empty())
                return std::move(results_);
            else
                return pending;
        }
    }

private:
    Set set_;
    value_type results_;
};

}  // namespace detail

}  // namespace pollux::inline v0
