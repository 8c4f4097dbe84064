// SPDX-License-Identifier: MIT
#include "pollux/runtime/join_set.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_event.hpp"
#include "support/small_tasks.hpp"
#include "support/tracked.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using pollux::join_set;
using pollux::task;
using pollux::task_cancelled;
using pollux::test::manual_event;
using pollux::test::tracked;
using pollux::test::wait_until;
using pollux::test::waits;
using pollux::test::workers;

task<int> yields(int times, int n) {
    for (int i = 0; i != times; ++i) co_await pollux::yield_now();
    co_return n;
}
task<int> yields_for_ever(std::atomic<int>& alive) {
    const tracked local(alive);
    for (;;) co_await pollux::yield_now();
}

// Tasks that end in every way, among themselves and with what the set does.
task<int> fills_and_drains(int rounds) {
    int taken = 0;
    for (int round = 0; round != rounds; ++round) {
        join_set<int, std::string> set;
        for (int i = 0; i != 40; ++i) {
            if (i % 4 == 0) set.spawn(yields(i % 7, 1));
            if (i % 4 == 1) set.spawn([]() -> task<int, std::string> { co_return std::unexpected("error"); });
            if (i % 4 == 2) {
                set.spawn([]() -> task<int> {
                    co_await pollux::yield_now();
                    throw std::runtime_error("thrown");
                });
            }
            if (i % 4 == 3) set.spawn(yields(1000000, 0)).abort();
        }
        for (int i = 0; i != 40; ++i) {
            try {
                auto item = co_await pollux::next(set);
                if (item.has_value()) ++taken;
            } catch (const std::runtime_error&) {
                ++taken;
            } catch (const task_cancelled&) {
                ++taken;
            }
        }
        auto end = co_await pollux::next(set);
        if (end.has_value()) co_return -1;
    }
    co_return taken;
}

task<> drops_half(std::atomic<int>& alive, int rounds) {
    for (int round = 0; round != rounds; ++round) {
        join_set<int> set;
        for (int i = 0; i != 20; ++i) {
            if (i % 2 == 0)
                set.spawn(yields(i, i));
            else
                set.spawn(yields_for_ever(alive));
        }
        for (int i = 0; i != 5; ++i) static_cast<void>(co_await pollux::next(set));
    }
}

}  // namespace

TEST_SUITE("scheduler/join_set/threads") {
    TEST_CASE("join_set: every task is taken once, however it ends, with 1 and 2 workers and with none") {
        for (const unsigned n : {1u, 2u}) {
            CAPTURE(n);
            pollux::runtime rt(workers(n));
            CHECK(rt.block_on(fills_and_drains(20)) == 800);
            CHECK(rt.block_on(rt.spawn(fills_and_drains(20))) == 800);
        }
        pollux::current_thread_runtime rt;
        CHECK(rt.block_on(fills_and_drains(20)) == 800);
        CHECK(rt.block_on(rt.spawn(fills_and_drains(20))) == 800);
    }

    TEST_CASE("join_set: dropped while its tasks run, it waits for none, and all of them are destroyed") {
        std::atomic<int> alive = 0;
        for (const unsigned n : {1u, 2u}) {
            CAPTURE(n);
            pollux::runtime rt(workers(n));
            rt.block_on(drops_half(alive, 20));
            rt.block_on(rt.spawn(drops_half(alive, 20)));
            wait_until([&] { return rt.metrics().alive_tasks == 0; });
            CHECK(alive == 0);
        }
    }

    TEST_CASE("join_set: a task's future is destroyed by a worker, not by the thread that drops the set") {
        struct says_where {
            std::atomic<std::thread::id>* where;
            explicit says_where(std::atomic<std::thread::id>& to) : where(&to) {}
            says_where(says_where&& other) noexcept : where(std::exchange(other.where, nullptr)) {}
            ~says_where() {
                if (where != nullptr) *where = std::this_thread::get_id();
            }
        };
        std::atomic<std::thread::id> destroyed_by;
        manual_event event;
        pollux::runtime rt(workers(1));
        {
            join_set<> set;
            set.spawn(
                [says = says_where(destroyed_by), event]() mutable -> task<> {
                    auto fut = event.wait();
                    co_await fut;
                },
                rt.handle());
            wait_until([&] { return event.polls() != 0; });
        }
        wait_until([&] { return rt.metrics().alive_tasks == 0; });
        CHECK(destroyed_by.load() != std::thread::id());
        CHECK(destroyed_by.load() != std::this_thread::get_id());
    }

    TEST_CASE("join_set: outlives the runtime of its tasks, and gives the results that were there") {
        std::atomic<int> alive = 0;
        for (const unsigned n : {1u, 2u}) {
            CAPTURE(n);
            manual_event event;
            join_set<int> set;
            std::optional<pollux::runtime_handle> kept;
            {
                pollux::runtime rt(workers(n));
                kept.emplace(rt.handle());
                const auto ended = set.spawn(pollux::ready(1), *kept);
                set.spawn(waits(event, alive), *kept);
                set.spawn(yields_for_ever(alive), *kept);
                wait_until([&] { return ended.is_finished() && event.polls() != 0; });
            }
            CHECK(alive == 0);
            set.spawn(pollux::ready(2), *kept);
            CHECK(set.size() == 4);
            CHECK(pollux::block_on(pollux::next(set)) == 1);
            for (int i = 0; i != 3; ++i) CHECK_THROWS_AS(pollux::block_on(pollux::next(set)), task_cancelled);
            CHECK_FALSE(pollux::block_on(pollux::next(set)).has_value());
        }
    }

    TEST_CASE("join_set: the end of the tasks' runtime wakes whoever waits in another") {
        std::atomic<int> alive = 0;
        manual_event event;
        pollux::runtime other(workers(1));
        std::optional<pollux::join_handle<int>> waiter;
        {
            pollux::runtime rt(workers(2));
            join_set<int> set;
            set.spawn(waits(event, alive), rt.handle());
            waiter.emplace(other.spawn([mine = std::move(set)]() mutable -> task<int> {
                auto item = co_await pollux::next(mine);
                co_return item.value_or(0);
            }));
            wait_until([&] { return event.polls() != 0; });
        }
        CHECK_THROWS_AS((void)other.block_on(std::move(*waiter)), task_cancelled);
    }

    TEST_CASE("join_set: spawn takes this thread's runtime, in tasks, in jobs and in a scope with enter") {
        pollux::runtime rt(workers(2));
        auto work = [&]() -> task<int> {
            join_set<int> set;
            set.spawn(yields(1, 1));
            auto job = pollux::offload([mine = std::move(set)]() mutable {
                mine.spawn(yields(1, 2));
                return std::move(mine);
            });
            auto filled = co_await job;
            int sum = 0;
            while (auto item = co_await pollux::next(filled)) sum += *item;
            co_return sum;
        };
        CHECK(rt.block_on(work) == 3);
        CHECK(rt.block_on(rt.spawn(work)) == 3);
        join_set<int> set;
        {
            auto guard = rt.handle().enter();
            set.spawn([] { return 4; });
        }
        CHECK_THROWS_AS(set.spawn([] { return 5; }), pollux::no_runtime);
        CHECK(pollux::block_on(set.join_all()) == std::vector<int>{4});
    }

    TEST_CASE("join_set: tasks may fork") {
        pollux::runtime rt(workers(2));
        auto work = [&]() -> task<int> {
            join_set<int> set;
            for (int i = 0; i != 8; ++i) {
                set.spawn([i]() -> task<int> {
                    const auto [left, right] = co_await pollux::fork_join(yields(i, i), yields(0, i));
                    co_return left + right;
                });
            }
            int sum = 0;
            while (auto item = co_await pollux::next(set)) sum += *item;
            co_return sum;
        };
        CHECK(rt.block_on(rt.spawn(work)) == 56);
    }

    TEST_CASE("detach_all: while the tasks end on other threads, the set goes on with new ones") {
        std::atomic<int> ended = 0;
        for (const unsigned n : {1u, 2u}) {
            CAPTURE(n);
            pollux::runtime rt(workers(n));
            join_set<int> set;
            int taken = 0;
            const auto handle = rt.handle();
            ended = 0;
            for (int round = 0; round != 100; ++round) {
                for (int i = 0; i != 10; ++i) {
                    set.spawn(
                        [&ended, i]() -> task<int> {
                            for (int k = 0; k != i; ++k) co_await pollux::yield_now();
                            ++ended;
                            co_return 1;
                        },
                        handle);
                }
                if (auto item = pollux::testing::poll_once(set); item.has_value()) taken += *item.take();
                set.detach_all();
                CHECK(set.empty());
                set.spawn(pollux::ready(1), handle);
                taken += *pollux::block_on(pollux::next(set));
                CHECK(set.empty());
            }
            CHECK(taken >= 100);
            wait_until([&] { return rt.metrics().alive_tasks == 0; });
            CHECK(ended == 1000);
        }
    }
}
