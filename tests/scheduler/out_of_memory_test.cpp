// SPDX-License-Identifier: MIT
// Every allocation of a scenario is refused in turn, in whatever thread it comes: the error reaches whoever awaits, no worker dies, the
// runtime goes on and its end leaves nothing on the heap. What oneTBB allocates is left out: see the scenario of offload.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/fork_all.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/lazy.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/join_set.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/task_scope.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/stream/buffered.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/map.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/sync/cancellation_token.hpp"
#include "pollux/sync/oneshot.hpp"
#include "pollux/time/sleep.hpp"
#include "support/heap_counter.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::test::refused_allocation;
using pollux::test::workers;
using namespace std::chrono_literals;

enum class ending { right, wrong, out_of_memory };

// Whatever else comes out is a failure of the test.
template <class Scenario>
ending how_it_ends(Scenario& run) {
    try {
        return run() ? ending::right : ending::wrong;
    } catch (const std::bad_alloc&) {
        return ending::out_of_memory;
    } catch (const std::system_error&) {  // a thread is refused where the C library finds no memory for it
        return ending::out_of_memory;
    }
}

// Threads give back what is theirs a little after they were joined.
std::size_t settled_blocks(std::size_t expected) {
    const auto give_up = std::chrono::steady_clock::now() + 1s;
    while (pollux::test::blocks_in_use() != expected && std::chrono::steady_clock::now() < give_up)
        std::this_thread::yield();
    return pollux::test::blocks_in_use();
}

// `run` is called while an allocation is refused, and `make` before and `end` after that; it leaves nothing on the heap.
template <class Make, class Run>
void survives_every_refusal(Make make, Run run) {
    if (!refused_allocation::is_possible()) return;
    for (int i = 0; i != 3; ++i) {  // what is allocated once
        auto with = make();
        REQUIRE(run(with));
    }
    bool has_come = true;
    std::size_t refusals = 0;
    for (std::size_t granted = 0; has_come; ++granted) {
        ending how = ending::wrong;
        bool goes_on = false;
        const std::size_t before = pollux::test::blocks_in_use();
        {
            auto with = make();
            const auto scenario = [&] { return run(with); };
            {
                const refused_allocation refused(granted);
                how = how_it_ends(scenario);
                has_come = refused.has_come();
            }
            goes_on = run(with);
        }
        const std::size_t left = settled_blocks(before);
        CAPTURE(granted);
        CHECK(how != ending::wrong);
        CHECK((has_come || how == ending::right));
        CHECK(goes_on);
        CHECK(left == before);
        refusals += how == ending::out_of_memory ? 1 : 0;
    }
    CHECK(refusals > 0);
}

// In a task, and on the thread that asks.
template <class Work>
void survives_in_a_runtime(Work work) {
    survives_every_refusal([] { return std::make_unique<pollux::runtime>(workers(2)); },
                           [&](auto& rt) { return rt->block_on(rt->spawn(work)) && rt->block_on(work()); });
    survives_every_refusal([] { return std::make_unique<pollux::current_thread_runtime>(); },
                           [&](auto& rt) { return rt->block_on(rt->spawn(work)) && rt->block_on(work()); });
}

task<int> number(int n) { co_return n; }
task<int> later(int n) {
    co_await pollux::yield_now();
    const int same = co_await number(n);
    co_return same;
}
task<int> fib(int n) {
    if (n < 2) co_return n;
    const auto [a, b] = co_await pollux::fork_join(fib(n - 1), fib(n - 2));
    co_return a + b;
}

}  // namespace

TEST_SUITE("scheduler/out_of_memory") {
    TEST_CASE("out of memory: a runtime that is made, used and ended") {
        survives_every_refusal([] { return 0; },
                               [](int) {
                                   pollux::runtime rt(workers(2));
                                   return rt.block_on(rt.spawn(pollux::ready(1))) == 1;
                               });
        survives_every_refusal([] { return 0; },
                               [](int) {
                                   pollux::current_thread_runtime rt;
                                   return rt.block_on(rt.spawn(pollux::ready(1))) == 1;
                               });
    }

    TEST_CASE("out of memory: block_on") {
        survives_every_refusal([] { return 0; }, [](int) { return pollux::block_on(later(3)) == 3; });
    }

    TEST_CASE("out of memory: futures and closures that are spawned") {
        survives_every_refusal([] { return std::make_unique<pollux::runtime>(workers(2)); },
                               [](auto& rt) {
                                   auto plain = rt->spawn(pollux::ready(1));
                                   auto closure = rt->spawn([] { return 2; });
                                   auto coroutine = rt->spawn([] { return later(3); });
                                   return rt->block_on(plain) + rt->block_on(closure) + rt->block_on(coroutine) == 6;
                               });
    }

    TEST_CASE("out of memory: a coroutine that awaits coroutines") {
        survives_in_a_runtime([]() -> task<bool> {
            const int a = co_await number(1);
            const int b = co_await later(2);
            auto spawned = pollux::spawn(later(3));
            const int c = co_await spawned;
            co_return a + b + c == 6;
        });
    }

    TEST_CASE("out of memory: fork_join, as a call and below a plain poll, and fork_all") {
        survives_in_a_runtime([]() -> task<bool> {
            const int n = co_await fib(6);
            co_return n == 8;
        });
        survives_in_a_runtime([]() -> task<bool> {
            const auto both = co_await pollux::join(fib(5), fib(4));
            co_return std::get<0>(both) + std::get<1>(both) == 8;
        });
        survives_in_a_runtime([]() -> task<bool> {
            std::vector<task<int>> children;
            for (int i = 0; i != 5; ++i) children.push_back(later(i));
            const auto outcomes = co_await pollux::fork_all(std::move(children));
            co_return outcomes == std::vector<int>{0, 1, 2, 3, 4};
        });
    }

    TEST_CASE("out of memory: join_set") {
        survives_in_a_runtime([]() -> task<bool> {
            pollux::join_set<int> set;
            for (int i = 0; i != 4; ++i) set.spawn(later(i));
            int sum = 0;
            while (auto item = co_await pollux::next(set)) sum += *item;
            co_return sum == 6;
        });
    }

    TEST_CASE("out of memory: task_scope") {
        survives_in_a_runtime([]() -> task<bool> {
            std::atomic<int> sum = 0;
            co_await pollux::task_scope([&](pollux::scope<>& s) -> task<> {
                s.spawn([&]() -> task<> { sum += co_await later(1); });
                s.spawn([&] { s.spawn([&] { sum += 2; }); });
                sum += co_await later(3);
            });
            co_return sum == 6;
        });
    }

    TEST_CASE("out of memory: sleeps") {
        survives_in_a_runtime([]() -> task<bool> {
            co_await pollux::join(pollux::sleep_for(1us), pollux::sleep_for(20us), pollux::sleep_for(10us));
            co_return true;
        });
    }

    TEST_CASE("out of memory: oneshot") {
        survives_in_a_runtime([]() -> task<bool> {
            auto [tx, rx] = pollux::sync::oneshot::channel<int>();
            auto sender = pollux::spawn([end = std::move(tx)]() mutable { return end.send(5).has_value(); });
            const auto got = co_await rx;
            const bool was_sent = co_await sender;
            co_return was_sent&& got == 5;
        });
    }

    TEST_CASE("out of memory: cancellation_token") {
        survives_in_a_runtime([]() -> task<bool> {
            pollux::cancellation_token token;
            const auto child = token.child_token();
            auto waiter = pollux::spawn([child]() -> task<> { co_await child.cancelled(); });
            token.cancel();
            co_await waiter;
            co_return child.is_cancelled();
        });
    }

    TEST_CASE("out of memory: boxed futures, and a buffered stream") {
        survives_in_a_runtime([]() -> task<bool> {
            pollux::boxed_future<int> boxed = pollux::boxed(later(1));
            const int one = co_await boxed;
            auto source = pollux::iter(std::vector<int>{1, 2, 3, 4}) | pollux::map([](int n) { return later(n); }) |
                          pollux::buffered(2);
            int sum = one;
            while (auto item = co_await pollux::next(source)) sum += *item;
            co_return sum == 11;
        });
    }

    TEST_CASE("out of memory: blocking") {
        survives_in_a_runtime([]() -> task<bool> {
            auto first = pollux::spawn(pollux::blocking([] { return 1; }));
            auto second = pollux::spawn(pollux::blocking([] { return 2; }));
            const int sum = co_await first + co_await second;
            co_return sum == 3;
        });
    }

    TEST_CASE("out of memory: offload") {
        // Into a pool that has run a job: oneTBB 2021.8 survives a refusal while it makes an arena or its first thread, but starts no
        // thread for that arena any more, and later jobs wait for ever.
        const auto work = []() -> task<bool> {
            auto first = pollux::spawn(pollux::offload([] { return 1; }));
            const int second = co_await pollux::offload([] { return 2; });
            const int sum = co_await first + second;
            co_return sum == 3;
        };
        survives_every_refusal(
            [&] {
                auto rt = std::make_unique<pollux::runtime>(workers(1));
                REQUIRE(rt->block_on(rt->spawn(work)));
                return rt;
            },
            [&](auto& rt) { return rt->block_on(rt->spawn(work)); });
    }
}
