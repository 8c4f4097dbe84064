// SPDX-License-Identifier: MIT
// What is structured, dropped before its first poll and after each poll that it has: everything inside is destroyed, no waker is
// kept and no task left. With workers and without.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/join_set.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/spawn.hpp"
#include "pollux/runtime/task_local.hpp"
#include "pollux/runtime/unconstrained.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/sync/cancellation_token.hpp"
#include "pollux/time/sleep.hpp"
#include "support/tracked.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using pollux::polled;
using pollux::task;
using pollux::test::tracked;
using pollux::test::wait_until;
using pollux::test::workers;

pollux::task_local<int> number;

// Is polled three times, if it is let.
task<int> in_three_polls(std::atomic<int>& alive) {
    const tracked local(alive);
    co_await pollux::yield_now();
    co_await pollux::yield_now();
    co_return 3;
}

// Polls `fut` so often, whether it asks for that or not, and then drops it in the poll of this task.
template <class F>
class [[nodiscard]] dropped_after {
public:
    using value_type = void;
    using error_type = pollux::never;

    dropped_after(int polls, F fut) : left_(polls), fut_(std::move(fut)) {}

    polled<> poll(pollux::context& cx) {
        if (left_-- == 0 || fut_->poll(cx).is_ready()) {
            fut_.reset();
            return polled<>::ready();
        }
        cx.waker().wake();
        return pollux::pending;
    }

private:
    int left_;
    std::optional<F> fut_;
};

// `make` gives the future, in the runtime, and what is inside of it counts in `alive`. Drops it after 0, 1, ... polls: beyond those
// that it needs, too.
template <class Runtime, class Make>
void leaves_nothing(Runtime& rt, Make make, int most_polls, auto settle) {
    std::atomic<int> alive = 0;
    for (int polls = 0; polls <= most_polls; ++polls) {
        CAPTURE(polls);
        {
            const auto inside = rt.handle().enter();
            auto fut = make(alive);
            rt.block_on(rt.spawn(dropped_after(polls, std::move(fut))));
        }
        settle([&] { return rt.metrics().alive_tasks == 0; });
        CHECK(rt.metrics().alive_tasks == 0);
        CHECK(rt.metrics().timers_armed == 0);
        CHECK(alive == 0);
    }
}

template <class Make>
void drop_everywhere(Make make, int most_polls = 8) {
    for (const unsigned n : {1u, 2u}) {
        CAPTURE(n);
        pollux::runtime rt(workers(n));
        leaves_nothing(rt, make, most_polls, [](auto condition) { wait_until(condition); });
    }
    pollux::current_thread_runtime rt;
    leaves_nothing(rt, make, most_polls, [&](auto) { rt.run_until_stalled(); });
}

task<int> takes_all(std::atomic<int>& alive) {
    pollux::join_set<int> set;
    for (int i = 0; i != 3; ++i) set.spawn(in_three_polls(alive));
    int sum = 0;
    for (;;) {
        const auto item = co_await pollux::next(set);
        if (!item.has_value()) co_return sum;
        sum += *item;
    }
}
task<int> forks(std::atomic<int>& alive, int depth) {
    if (depth == 0) {
        const int result = co_await in_three_polls(alive);
        co_return result;
    }
    const auto [a, b] = co_await pollux::fork_join(forks(alive, depth - 1), forks(alive, depth - 1));
    co_return a + b;
}

}  // namespace

TEST_SUITE("scheduler/drop_at_every_poll") {
    TEST_CASE("join_handle: a dropped one lets its task run to its end") {
        std::atomic<int> ended = 0;
        drop_everywhere([&ended](std::atomic<int>& alive) {
            return pollux::spawn([&ended, &alive]() -> task<> {
                static_cast<void>(co_await in_three_polls(alive));
                ++ended;
            });
        });
        CHECK(ended == 3 * 9);  // three runtimes, and drops after 0 to 8 polls
    }

    TEST_CASE("abort_on_drop: its task goes with it") {
        drop_everywhere([](std::atomic<int>& alive) {
            return pollux::spawn([&alive]() -> task<> {
                       const tracked local(alive);
                       for (;;) co_await pollux::yield_now();
                   })
                .abort_on_drop();
        });
    }

    TEST_CASE("join_set: with a next that waits") { drop_everywhere(takes_all, 20); }

    TEST_CASE("join_set: join_all") {
        drop_everywhere([](std::atomic<int>& alive) {
            pollux::join_set<int> set;
            for (int i = 0; i != 3; ++i) set.spawn(in_three_polls(alive));
            return std::move(set).join_all();
        });
    }

    TEST_CASE("cancellation_token: cancelled, run_until_cancelled and a guard") {
        drop_everywhere([](std::atomic<int>&) { return pollux::cancellation_token().cancelled(); });
        drop_everywhere([](std::atomic<int>& alive) {
            return pollux::cancellation_token().child_token().run_until_cancelled(in_three_polls(alive));
        });
        drop_everywhere([](std::atomic<int>& alive) {
            pollux::cancellation_token token;
            pollux::spawn([&alive, token]() -> task<> {
                const tracked local(alive);
                co_await token.cancelled();
            }).detach();
            // Cancels the token when it goes, and with that the task ends.
            return [](auto guard, std::atomic<int>& count) -> task<int> {
                static_cast<void>(guard);
                const int result = co_await in_three_polls(count);
                co_return result;
            }(token.drop_guard(), alive);
        });
    }

    TEST_CASE("task_local: a scope") {
        drop_everywhere([](std::atomic<int>& alive) { return number.scope(1, in_three_polls(alive)); });
        drop_everywhere([](std::atomic<int>& alive) { return number.scope(1, forks(alive, 3)); }, 12);
    }

    TEST_CASE("unconstrained") {
        drop_everywhere([](std::atomic<int>& alive) { return pollux::unconstrained(in_three_polls(alive)); });
    }

    TEST_CASE("fork_join: below a plain poll, where its children are tasks") {
        drop_everywhere([](std::atomic<int>& alive) { return forks(alive, 3); }, 12);
    }

    TEST_CASE("sleeps and yields") {
        drop_everywhere([](std::atomic<int>&) { return pollux::sleep_for(std::chrono::hours(1)); }, 3);
        drop_everywhere([](std::atomic<int>&) { return pollux::yield_now(); });
    }

    TEST_CASE("abort: of a task between any two of its polls, whose forks are continued by the loop") {
        for (int polls = 0; polls != 12; ++polls) {
            CAPTURE(polls);
            std::atomic<int> alive = 0;
            pollux::current_thread_runtime rt;
            auto handle = rt.spawn(forks(alive, 3));
            for (int i = 0; i != polls; ++i) rt.poll_once();
            handle.abort();
            rt.run_until_stalled();
            CHECK(handle.is_finished());
            CHECK(alive == 0);
            CHECK(rt.metrics().alive_tasks == 0);
        }
    }
}
