// SPDX-License-Identifier: MIT
// Whatever other tasks do (wake each other, spawn, yield, stay ready), a ready task runs.
#include "pollux/runtime/yield.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/coro/fork_all.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/race.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/future/select.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/stream/for_each.hpp"
#include "pollux/stream/repeat.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using pollux::current_thread_runtime;
using pollux::polled;
using pollux::task;
using pollux::test::workers;

// Two tasks that wake each other for ever through what they keep of each other's waker.
struct ping_pong {
    pollux::waker wakers[2];
    std::uint64_t polls = 0;
    bool is_over = false;

    auto side(int mine) {
        return pollux::poll_fn([this, mine](pollux::context& cx) -> polled<> {
            ++polls;
            wakers[mine] = cx.waker();
            wakers[1 - mine].wake();
            if (is_over) return polled<>::ready();
            return pollux::pending;
        });
    }
};

// A leaf that is always ready, as a channel with items is.
class always_ready {
public:
    using value_type = void;
    using error_type = pollux::never;
    polled<> poll(pollux::context& cx) {
        if (!cx.consume_budget()) return pollux::pending;
        return polled<>::ready();
    }
};

task<> never_pending(const std::atomic<bool>& stop, std::uint64_t& steps) {
    while (!stop) {
        co_await always_ready();
        ++steps;
    }
}
task<> sets(std::atomic<bool>& flag, int after) {
    for (int i = 0; i != after; ++i) co_await pollux::yield_now();
    flag = true;
}
task<> takes(std::atomic<bool>& is_over, int items) {
    for (int i = 0; i != items; ++i) co_await always_ready();
    is_over = true;
}
task<> spawns_itself(const std::atomic<bool>& stop, std::atomic<int>& generations) {
    ++generations;
    if (!stop) pollux::spawn(spawns_itself(stop, generations)).detach();
    co_return;
}
task<int> chain(int depth) {
    if (depth > 1) co_await chain(depth - 1);
    co_return depth;
}
task<int, int> failing_chain(int depth) {
    if (depth > 1) co_await pollux::try_(failing_chain(depth - 1));
    co_return depth;
}
struct counted {
    explicit counted(int& living) : living_(living) { ++living_; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    ~counted() { --living_; }
    int& living_;
};
task<> counted_chain(int depth, int& living) {
    const counted here(living);
    if (depth > 1) co_await counted_chain(depth - 1, living);
}
task<void, int> counted_failing_chain(int depth, int& living) {
    const counted here(living);
    if (depth > 1) co_await pollux::try_(counted_failing_chain(depth - 1, living));
    co_return {};
}
// What never waits, in every way in which frames run one below another.
const std::vector<std::function<task<>()>> turns = [] {
    std::vector<std::function<task<>()>> all;
    // As many levels are nested as calls, and so many again by the loop.
    for (const int depth : {1, 2, 63, 64, 65, 127, 128, 129, 192}) {
        all.emplace_back([depth]() -> task<> { co_await chain(depth); });
        all.emplace_back([depth]() -> task<> { static_cast<void>(co_await failing_chain(depth)); });
        all.emplace_back([depth]() -> task<> { co_await pollux::fork_join(chain(depth)); });
    }
    all.emplace_back([]() -> task<> { co_await pollux::fork_all(std::vector<task<>>()); });
    all.emplace_back([]() -> task<> {
        std::vector<task<int>> one;
        one.push_back(chain(1));
        co_await pollux::fork_all(std::move(one));
    });
    all.emplace_back([]() -> task<> { co_await pollux::fork_join(chain(1), chain(1)); });
    all.emplace_back([]() -> task<> {
        const auto forks = []() -> task<> { co_await pollux::fork_join(chain(1)); };
        co_await pollux::join(forks(), pollux::ready());
    });
    return all;
}();
task<> takes_turns(const std::function<task<>()>& turn, const std::atomic<bool>& stop, std::atomic<int>& taken) {
    for (; !stop; ++taken) co_await turn();
}
task<std::uint64_t> fib(int n) {
    if (n < 2) co_return 1u;
    const auto [a, b] = co_await pollux::fork_join(fib(n - 1), fib(n - 2));
    co_return a + b;
}

}  // namespace

TEST_SUITE("scheduler/fairness") {
    TEST_CASE("fairness: two tasks that wake each other do not hold up a third") {
        ping_pong pair;
        current_thread_runtime rt;
        auto first = rt.spawn(pair.side(0));
        auto second = rt.spawn(pair.side(1));
        for (int i = 0; i != 100; ++i) rt.poll_once();
        REQUIRE(pair.polls >= 100);
        int third_polls = 0;
        auto third = rt.spawn([&]() -> task<> {
            for (int i = 0; i != 10; ++i) {
                ++third_polls;
                co_await pollux::yield_now();
            }
        });
        const auto before = pair.polls;
        for (int turn = 0; turn != 50 && !third.is_finished(); ++turn) rt.poll_once();
        CHECK(third_polls == 10);
        // At most the next slot's share, three polls, between two of the third.
        CHECK(pair.polls - before <= 60);
        pair.is_over = true;
        rt.run_until_stalled();
        CHECK(first.is_finished());
        CHECK(second.is_finished());
    }

    TEST_CASE("fairness: a task whose leaves are always ready lets its sibling run") {
        for (const bool threads : {false, true}) {
            std::atomic<bool> stop = false;
            std::uint64_t steps = 0;
            if (threads) {
                pollux::runtime rt(workers(1));
                auto busy = rt.spawn(never_pending(stop, steps));
                auto other = rt.spawn(sets(stop, 10));
                rt.block_on(std::move(busy));
                rt.block_on(std::move(other));
                CHECK(rt.metrics().forced_yields >= 1);
            } else {
                current_thread_runtime rt;
                auto busy = rt.spawn(never_pending(stop, steps));
                rt.poll_once();
                // One poll's share, and no more.
                CHECK(steps >= 1);
                CHECK(steps <= 256);
                rt.spawn(sets(stop, 0)).detach();
                CHECK(rt.poll_once() == 2);
                CHECK(steps <= 512);
                rt.run_until_stalled();
                CHECK(busy.is_finished());
            }
            CHECK(stop);
        }
    }

    TEST_CASE("fairness: what is never pending lets go on what the same task polls beside it") {
        std::atomic<bool> stop = false, first_has = false, second_has = false, never = false;
        std::uint64_t steps = 0;
        current_thread_runtime rt;
        auto joined = rt.spawn(pollux::join(never_pending(stop, steps), takes(first_has, 10),
                                            pollux::join(never_pending(stop, steps), takes(stop, 10))));
        auto selected =
            rt.spawn(pollux::select(never_pending(never, steps), never_pending(never, steps), takes(second_has, 10)));
        auto raced = rt.spawn(pollux::race(pollux::repeat(1) | pollux::for_each([](int) {}), always_ready()));
        for (int turn = 0; turn != 100; ++turn) rt.poll_once();
        CHECK(joined.is_finished());
        CHECK(first_has);
        CHECK(selected.is_finished());
        CHECK(second_has);
        CHECK(raced.is_finished());
    }

    TEST_CASE("fairness: a coroutine whose awaits are all ready at once lets its sibling run") {
        // Futures that never ask for budget, tasks that end at once, and both behind try_.
        auto ends_at_once = []() -> task<int> { co_return 1; };
        auto cannot_fail = []() -> task<int, std::string> { co_return 1; };
        auto loops = [&](int kind, const std::atomic<bool>& stop) -> task<int, std::string> {
            int sum = 0;
            while (!stop) {
                if (kind == 0) sum += co_await pollux::ready(1);
                if (kind == 1) sum += co_await ends_at_once();
                if (kind == 2) sum += co_await pollux::try_(pollux::ready(1));
                if (kind == 3) sum += co_await pollux::try_(cannot_fail());
            }
            co_return sum > 0 ? 1 : 0;
        };
        for (const int kind : {0, 1, 2, 3}) {
            CAPTURE(kind);
            std::atomic<bool> stop = false;
            pollux::runtime rt(workers(1));
            auto busy = rt.spawn(loops(kind, stop));
            auto other = rt.spawn(sets(stop, 10));
            CHECK(rt.block_on(std::move(busy)) == 1);
            rt.block_on(std::move(other));
            CHECK(rt.metrics().forced_yields >= 1);
        }
    }

    TEST_CASE("fairness: a loop of awaits and forks that never wait lets its sibling run, however deep they are") {
        for (std::size_t i = 0; i != turns.size(); ++i) {
            CAPTURE(i);
            std::atomic<bool> stop = false;
            std::atomic<int> taken = 0;
            current_thread_runtime rt;
            auto loop = rt.spawn(takes_turns(turns[i], stop, taken));
            rt.block_on(rt.spawn(sets(stop, 3)));
            rt.block_on(std::move(loop));
            CHECK(taken > 0);
        }
    }

    TEST_CASE("fairness: a loop of awaits and forks that never wait ends when it is aborted") {
        for (std::size_t i = 0; i != turns.size(); ++i) {
            CAPTURE(i);
            const std::atomic<bool> stop = false;
            std::atomic<int> taken = 0;
            pollux::runtime rt(workers(1));
            auto loop = rt.spawn(takes_turns(turns[i], stop, taken));
            pollux::test::wait_until([&] { return taken > 0; });
            loop.abort();
            pollux::test::wait_until([&] { return loop.is_finished(); });
        }
    }

    TEST_CASE("fairness: a deep chain of awaits lets its sibling run on its way down") {
        for (const bool can_fail : {false, true}) {
            CAPTURE(can_fail);
            current_thread_runtime rt;
            constexpr int depth = 200'000;
            auto deep = rt.spawn([&]() -> task<int> {
                if (!can_fail) co_return co_await chain(depth);
                const auto end = co_await failing_chain(depth);
                co_return end.value_or(0);
            });
            int turns_of_other = 0;
            auto other = rt.spawn([&]() -> task<> {
                for (; !deep.is_finished(); ++turns_of_other) co_await pollux::yield_now();
            });
            rt.block_on(std::move(other));
            CHECK(rt.block_on(std::move(deep)) == depth);
            CHECK(turns_of_other >= 4);
        }
    }

    TEST_CASE("fairness: a deep chain of awaits that gave way is destroyed where it is") {
        for (const bool can_fail : {false, true})
            for (int polls = 1; polls != 6; ++polls) {
                CAPTURE(can_fail);
                CAPTURE(polls);
                int living = 0;
                {
                    current_thread_runtime rt;
                    if (can_fail)
                        rt.spawn(counted_failing_chain(100'000, living)).detach();
                    else
                        rt.spawn(counted_chain(100'000, living)).detach();
                    for (int i = 0; i != polls; ++i) rt.poll_once();
                    REQUIRE(living > 0);
                }
                CHECK(living == 0);
            }
    }

    TEST_CASE("fairness: a forked child whose awaits are all ready at once lets other tasks run") {
        std::atomic<bool> stop = false;
        auto loops = [&]() -> task<> {
            while (!stop) co_await pollux::ready(1);
        };
        auto forks = [&]() -> task<> { co_await pollux::fork_join(loops(), loops()); };
        pollux::runtime rt(workers(1));
        auto busy = rt.spawn(forks());
        rt.block_on(rt.spawn(sets(stop, 10)));
        rt.block_on(std::move(busy));
    }

    TEST_CASE("fairness: a task that spawns its successor for ever lets others run") {
        std::atomic<bool> stop = false;
        std::atomic<int> generations = 0;
        pollux::runtime rt(workers(1));  // last: its end comes first, and detached tasks use the others until then
        rt.spawn(spawns_itself(stop, generations)).detach();
        while (generations < 100) std::this_thread::yield();
        rt.block_on(rt.spawn(sets(stop, 20)));
        CHECK(stop);
    }

    TEST_CASE("fairness: a task from another thread runs beside tasks that yield for ever") {
        std::atomic<bool> stop = false;
        std::atomic<std::uint64_t> rounds = 0;
        pollux::runtime rt(workers(1));  // last, as above
        auto yields = [](const std::atomic<bool>& until, std::atomic<std::uint64_t>& count) -> task<> {
            while (!until) {
                ++count;
                co_await pollux::yield_now();
            }
        };
        for (int i = 0; i != 300; ++i) rt.spawn(yields(stop, rounds)).detach();
        while (rounds < 1000) std::this_thread::yield();
        for (int i = 0; i != 20; ++i) CHECK(rt.block_on(rt.spawn(pollux::ready(i))) == i);
        stop = true;
    }

    TEST_CASE("fairness: a fork tree of many slices lets others run on its only worker") {
        std::atomic<bool> is_done = false;
        std::atomic<bool> has_started = false;
        pollux::runtime rt(workers(1));
        auto tree = rt.spawn([&]() -> task<std::uint64_t> {
            has_started = true;
            std::uint64_t sum = 0;
            while (!is_done) {
                const auto [a, b] = co_await pollux::fork_join(fib(16), fib(15));
                sum += a + b;
            }
            co_return sum;
        });
        while (!has_started) std::this_thread::yield();
        rt.block_on(rt.spawn(sets(is_done, 5)));
        CHECK(rt.block_on(std::move(tree)) > 0);
    }

    TEST_CASE("wake-ups: many before a poll are one poll, one during a poll is exactly one more") {
        current_thread_runtime rt;
        pollux::waker kept;
        int polls = 0;
        bool wakes_itself = false;
        auto handle = rt.spawn(pollux::poll_fn([&](pollux::context& cx) -> polled<> {
            ++polls;
            kept = cx.waker();
            if (std::exchange(wakes_itself, false))
                for (int i = 0; i != 5; ++i) kept.wake();
            if (polls < 100) return pollux::pending;
            return polled<>::ready();
        }));
        CHECK(rt.run_until_stalled() == 1);
        for (int i = 0; i != 10; ++i) kept.wake();
        CHECK(polls == 1);  // never from inside wake()
        CHECK(rt.run_until_stalled() == 1);
        CHECK(rt.run_until_stalled() == 0);  // a task that nobody wakes is not polled
        wakes_itself = true;
        kept.wake();
        CHECK(rt.run_until_stalled() == 2);
        polls = 99;
        kept.wake();
        CHECK(rt.run_until_stalled() == 1);
        CHECK(handle.is_finished());
        kept.wake();
        CHECK(rt.run_until_stalled() == 0);
    }

    TEST_CASE("yield_now: is pending once") {
        current_thread_runtime rt;
        auto handle = rt.spawn(pollux::yield_now());
        CHECK(rt.poll_once() == 1);
        CHECK_FALSE(handle.is_finished());
        CHECK(rt.poll_once() == 1);
        CHECK(handle.is_finished());
    }

#ifndef NDEBUG
    TEST_CASE("yield_now: a debug build stops with a message when it is polled or awaited after it was ready") {
        const auto of_poll = pollux::test::message_of_abort([] {
            auto fut = pollux::yield_now();
            for (int i = 0; i != 3; ++i) static_cast<void>(pollux::testing::poll_once(fut));
        });
        CHECK(of_poll.starts_with("pollux: yield_now: polled after it was ready"));
        const auto of_await = pollux::test::message_of_abort([] {
            current_thread_runtime rt;
            rt.block_on([]() -> task<> {
                auto fut = pollux::yield_now();
                co_await fut;
                co_await fut;
            }());
        });
        CHECK(of_await.starts_with("pollux: yield_now: polled after it was ready"));
    }
#endif
}
