// SPDX-License-Identifier: MIT
// On one thread, step by step. join_set_outcomes_test.cpp has next_with_id and join_all, join_set_threads_test.cpp the set among
// workers.
#include "pollux/runtime/join_set.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/coro/task.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/heap_counter.hpp"
#include "support/manual_event.hpp"
#include "support/small_tasks.hpp"
#include "support/tracked.hpp"

namespace {

using pollux::current_thread_runtime;
using pollux::join_set;
using pollux::task;
using pollux::task_cancelled;
using pollux::test::manual_event;
using pollux::test::number;
using pollux::test::throws;
using pollux::test::tracked;
using pollux::test::waits;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::counting_waker;
using pollux::testing::poll_once;

task<std::unique_ptr<int>, std::string> owns(int n) {
    if (n == 0) co_return std::unexpected("zero");
    co_return std::make_unique<int>(n);
}
task<std::unique_ptr<int>> owns_for_sure(int n) { co_return std::make_unique<int>(n); }

}  // namespace

TEST_SUITE("scheduler/join_set") {
    TEST_CASE("join_set: is a stream of the tasks' results, and has no tasks at first") {
        static_assert(pollux::stream<join_set<int, std::string>>);
        static_assert(!pollux::future<join_set<int, std::string>>);
        static_assert(std::is_same_v<join_set<>::value_type, pollux::unit>);
        static_assert(std::is_same_v<join_set<>::error_type, pollux::never>);
        static_assert(!std::is_copy_constructible_v<join_set<>> && std::is_nothrow_move_constructible_v<join_set<>>);
        join_set<> set;
        CHECK(set.empty());
        CHECK(set.size() == 0);
        CHECK_FALSE(assert_ready(poll_once(set)).has_value());
        set.abort_all();
        set.detach_all();
        CHECK_THROWS_AS(set.spawn(pollux::ready()), pollux::no_runtime);
        CHECK(set.empty());
    }

    TEST_CASE("join_set: gives results in the order in which the tasks end, and counts a task until it is taken") {
        std::atomic<int> alive = 0;
        manual_event first;
        manual_event second;
        manual_event third;
        current_thread_runtime rt;
        join_set<int> set;
        set.spawn(waits(first, alive, 1), rt.handle());
        set.spawn(waits(second, alive, 2), rt.handle());
        set.spawn(waits(third, alive, 3), rt.handle());
        CHECK(set.size() == 3);
        rt.run_until_stalled();
        counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(set.poll_next(cx));
        third.set();
        rt.run_until_stalled();
        CHECK(waker.count() == 1);
        first.set();
        rt.run_until_stalled();
        CHECK(waker.count() == 1);
        CHECK(set.size() == 3);
        CHECK(assert_ready(set.poll_next(cx)) == 3);
        CHECK(set.size() == 2);
        CHECK(assert_ready(set.poll_next(cx)) == 1);
        CHECK(set.size() == 1);
        assert_pending(set.poll_next(cx));
        second.set();
        rt.run_until_stalled();
        CHECK(assert_ready(set.poll_next(cx)) == 2);
        CHECK(set.empty());
        CHECK_FALSE(assert_ready(set.poll_next(cx)).has_value());
        CHECK(alive == 0);
    }

    TEST_CASE("join_set: only the waker of the latest poll is woken") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        join_set<int> set;
        set.spawn(waits(event, alive, 1), rt.handle());
        counting_waker early;
        counting_waker late;
        pollux::context early_cx(early.waker());
        pollux::context late_cx(late.waker());
        assert_pending(set.poll_next(early_cx));
        assert_pending(set.poll_next(late_cx));
        rt.run_until_stalled();
        event.set();
        rt.run_until_stalled();
        CHECK(early.count() == 0);
        CHECK(late.count() == 1);
        CHECK(assert_ready(set.poll_next(early_cx)) == 1);
    }

    TEST_CASE("join_set: at its end it is pending no more, and whoever saw the end is woken when it is filled") {
        current_thread_runtime rt;
        join_set<int> set;
        counting_waker waker;
        pollux::context cx(waker.waker());
        for (std::size_t round = 0; round != 3; ++round) {
            CHECK_FALSE(assert_ready(set.poll_next(cx)).has_value());
            CHECK(waker.count() == round);
            set.spawn(number(4), rt.handle());
            CHECK(waker.count() == round + 1);
            rt.run_until_stalled();
            CHECK(assert_ready(set.poll_next(cx)) == 4);
        }
    }

    TEST_CASE("join_set: values may be move-only or void, and never meets every type") {
        current_thread_runtime rt;
        join_set<std::unique_ptr<int>, std::string> set;
        set.spawn(owns(1), rt.handle());
        set.spawn(owns_for_sure(2), rt.handle());
        set.spawn(pollux::fail(std::string("three")), rt.handle());
        set.spawn([n = std::make_unique<int>(4)]() mutable { return std::move(n); }, rt.handle());
        set.spawn(owns(0), rt.handle());
        set.spawn(pollux::ready(std::make_unique<int>(6)), rt.handle());
        rt.run_until_stalled();
        CHECK(**assert_ready(poll_once(set)).value() == 1);
        CHECK(**assert_ready(poll_once(set)).value() == 2);
        CHECK(assert_ready(poll_once(set)).error() == "three");
        CHECK(**assert_ready(poll_once(set)).value() == 4);
        CHECK(assert_ready(poll_once(set)).error() == "zero");
        CHECK(**assert_ready(poll_once(set)).value() == 6);
        CHECK_FALSE(assert_ready(poll_once(set)).value().has_value());

        join_set<> of_nothing;
        of_nothing.spawn([] {}, rt.handle());
        rt.run_until_stalled();
        CHECK(assert_ready(poll_once(of_nothing)) == pollux::unit());
        join_set<void, int> failing;
        failing.spawn(pollux::ready(), rt.handle());
        failing.spawn(pollux::fail<void>(7), rt.handle());
        rt.run_until_stalled();
        CHECK(assert_ready(poll_once(failing)).value() == pollux::unit());
        CHECK(assert_ready(poll_once(failing)).error() == 7);
    }

    TEST_CASE("join_set: rethrows what a task threw, which leaves the set, and goes on") {
        std::vector<pollux::task_id> unseen;
        pollux::runtime_options options;
        options.on_unhandled_exception = [&](pollux::task_id id, std::exception_ptr) { unseen.push_back(id); };
        current_thread_runtime rt(options);
        join_set<int> set;
        set.spawn(throws("first"), rt.handle());
        set.spawn(number(2), rt.handle());
        set.spawn(pollux::poll_fn([](pollux::context&) -> pollux::polled<int> { throw std::runtime_error("third"); }),
                  rt.handle());
        rt.run_until_stalled();
        CHECK(assert_ready(poll_once(set)) == 2);
        CHECK_THROWS_WITH_AS(poll_once(set), "third", std::runtime_error);
        CHECK(set.size() == 1);
        CHECK_THROWS_WITH_AS(poll_once(set), "first", std::runtime_error);
        CHECK(set.empty());
        CHECK_FALSE(assert_ready(poll_once(set)).has_value());
        CHECK(unseen.empty());
        pollux::task_id id;
        {
            join_set<int> dropped;
            id = dropped.spawn(throws("nobody sees it"), rt.handle()).id();
            rt.run_until_stalled();
            CHECK(unseen.empty());
        }
        CHECK(unseen == std::vector{id});
    }

    TEST_CASE(
        "join_set: a task that is aborted throws task_cancelled; in abort_all those that have ended keep their "
        "result") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        join_set<int> set;
        const auto one = set.spawn(waits(event, alive, 1), rt.handle());
        set.spawn(number(2), rt.handle());
        rt.run_until_stalled();
        set.spawn(waits(event, alive, 3), rt.handle());
        one.abort();
        CHECK(alive == 1);
        rt.run_until_stalled();
        CHECK(one.is_finished());
        CHECK(assert_ready(poll_once(set)) == 2);
        CHECK_THROWS_AS(poll_once(set), task_cancelled);
        assert_pending(poll_once(set));
        set.spawn(number(4), rt.handle());
        rt.run_until_stalled();
        set.spawn(waits(event, alive, 5), rt.handle());
        const int polls = event.polls();
        set.abort_all();
        set.abort_all();
        CHECK(set.size() == 3);
        rt.run_until_stalled();
        CHECK(alive == 0);
        CHECK(event.polls() == polls);
        CHECK(assert_ready(poll_once(set)) == 4);
        CHECK_THROWS_AS(poll_once(set), task_cancelled);
        CHECK_THROWS_AS(poll_once(set), task_cancelled);
        CHECK_FALSE(assert_ready(poll_once(set)).has_value());
    }

    TEST_CASE("join_set: dropping it aborts what is left, which the runtime destroys, and drops results that wait") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        auto gives = [&](tracked value) -> task<tracked> { co_return std::move(value); };
        auto gives_later = [&](tracked value) -> task<tracked> {
            auto fut = event.wait();
            co_await fut;
            co_return std::move(value);
        };
        for (const bool is_polled : {false, true}) {
            counting_waker waker;
            {
                join_set<tracked> set;
                set.spawn(gives(tracked(alive)), rt.handle());
                set.spawn(gives_later(tracked(alive)), rt.handle());
                rt.run_until_stalled();
                set.spawn(gives_later(tracked(alive)), rt.handle());
                CHECK(alive == 3);
                if (is_polled) {
                    pollux::context cx(waker.waker());
                    static_cast<void>(assert_ready(set.poll_next(cx)));
                    assert_pending(set.poll_next(cx));
                }
            }
            CHECK(alive == 2);
            CHECK(event.waiting() == 1);
            rt.run_until_stalled();
            CHECK(alive == 0);
            CHECK(event.waiting() == 0);
            CHECK(waker.count() == 0);
            CHECK(rt.metrics().alive_tasks == 0);
        }
    }

    TEST_CASE("join_set: dropping a pending next loses no result, also when the task has ended meanwhile") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        join_set<int> set;
        set.spawn(waits(event, alive, 1), rt.handle());
        rt.run_until_stalled();
        {
            auto item = pollux::next(set);
            assert_pending(poll_once(item));
            event.set();
            rt.run_until_stalled();
        }
        {
            auto with_id = set.next_with_id();
            static_cast<void>(with_id);
        }
        auto item = pollux::next(set);
        CHECK(assert_ready(poll_once(item)) == 1);
    }

    TEST_CASE("detach_all: the set is empty, the tasks go on, and whoever waits is told") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        join_set<int> set;
        set.spawn(waits(event, alive, 1), rt.handle());
        set.spawn(number(2), rt.handle());
        counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(set.poll_next(cx));
        rt.run_until_stalled();
        CHECK(waker.count() == 1);
        CHECK(assert_ready(set.poll_next(cx)) == 2);
        assert_pending(set.poll_next(cx));
        set.spawn(number(3), rt.handle());
        set.detach_all();
        CHECK(waker.count() == 2);
        CHECK(set.empty());
        CHECK_FALSE(assert_ready(set.poll_next(cx)).has_value());
        set.spawn(number(4), rt.handle());
        CHECK(waker.count() == 3);
        assert_pending(set.poll_next(cx));
        event.set();
        rt.run_until_stalled();
        CHECK(alive == 0);
        CHECK(waker.count() == 4);
        CHECK(assert_ready(set.poll_next(cx)) == 4);
        CHECK(set.empty());
    }

    TEST_CASE("join_set: may be moved while it waits; assigning aborts what was there") {
        std::atomic<int> alive = 0;
        manual_event event;
        manual_event other;
        current_thread_runtime rt;
        join_set<int> set;
        set.spawn(waits(event, alive, 1), rt.handle());
        rt.run_until_stalled();
        counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(set.poll_next(cx));
        join_set<int> moved = std::move(set);
        CHECK(set.empty());
        CHECK(moved.size() == 1);
        event.set();
        rt.run_until_stalled();
        CHECK(waker.count() == 1);
        set.spawn(waits(other, alive, 2), rt.handle());
        rt.run_until_stalled();
        assert_pending(set.poll_next(cx));
        set = std::move(moved);
        CHECK(waker.count() == 2);
        rt.run_until_stalled();
        CHECK(alive == 0);
        CHECK(assert_ready(set.poll_next(cx)) == 1);
        CHECK(set.empty());
        CHECK(moved.empty());
    }

    TEST_CASE("join_set: the budget of a poll ends a loop of results, and none is lost by that") {
        current_thread_runtime rt;
        auto work = [&]() -> task<int> {
            join_set<int> set;
            for (int i = 1; i <= 1000; ++i) set.spawn(number(i));
            int sum = 0;
            co_await pollux::yield_now();
            while (auto item = co_await pollux::next(set)) sum += *item;
            co_return sum;
        };
        CHECK(rt.block_on(rt.spawn(work())) == 500500);
        CHECK(rt.metrics().forced_yields > 2);
        auto all = [&]() -> task<std::size_t> {
            join_set<int> set;
            for (int i = 1; i <= 1000; ++i) set.spawn(number(i));
            auto results = co_await set.join_all();
            co_return results.size();
        };
        CHECK(rt.block_on(rt.spawn(all())) == 1000);
    }

    TEST_CASE("join_set: allocates once for a task beside the task itself, and not for polls and wake-ups") {
        std::atomic<int> alive = 0;
        current_thread_runtime rt;
        const auto handle = rt.handle();
        join_set<int> set;
        std::vector<manual_event> events(20);
        set.spawn(waits(events[0], alive, 0), handle);
        for (std::size_t i = 1; i != events.size(); ++i) {
            auto work = waits(events[i], alive, 1);  // its frame is the task's block
            const pollux::test::heap_counter heap;
            set.spawn(std::move(work), handle);
            CHECK(heap.by_this_thread() == 1);
        }
        counting_waker waker;
        pollux::context cx(waker.waker());
        rt.run_until_stalled();
        const pollux::test::heap_counter heap;
        std::size_t taken = 0;
        for (manual_event& event : events) {
            assert_pending(set.poll_next(cx));
            event.set();
            rt.run_until_stalled();
            taken += assert_ready(set.poll_next(cx)).has_value() ? 1 : 0;
        }
        CHECK(heap.by_this_thread() == 0);
        CHECK(taken == events.size());
        CHECK(waker.count() == events.size());
    }
}
