// SPDX-License-Identifier: MIT
#include "pollux/time/sleep.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/future/select.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "support/allocation_counter.hpp"
#include "support/end_of_process.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using namespace std::chrono_literals;
using pollux::instant;
using pollux::sleep_for;
using pollux::sleep_until;
using pollux::task;
using pollux::test::wait_until;
using pollux::test::workers;

task<bool> is_never_early(std::chrono::nanoseconds duration) {
    const instant start = pollux::clock::now();
    co_await sleep_for(duration);
    co_return pollux::clock::now() - start >= duration;
}
task<std::string> sleeps_and_notes(std::string& order, const char* name, std::chrono::milliseconds duration) {
    co_await sleep_for(duration);
    order += name;
    co_return name;
}

}  // namespace

TEST_SUITE("time/sleep") {
    TEST_CASE("clock: ticks with the steady clock") {
        const auto steady = std::chrono::steady_clock::now().time_since_epoch();
        const auto ours = pollux::clock::now().time_since_epoch();
        CHECK(ours >= steady);
        CHECK(ours <= std::chrono::steady_clock::now().time_since_epoch());
        static_assert(pollux::clock::is_steady);
    }

    TEST_CASE("sleep_for: is never early, in a task, in block_on, in a forked child") {
        pollux::runtime rt(workers(2));
        for (const auto duration : {1us, 500us, 1000us, 3000us, 10'000us}) {
            CHECK(rt.block_on(is_never_early(duration)));
            CHECK(rt.block_on(rt.spawn(is_never_early(duration))));
            auto forks = [](std::chrono::nanoseconds of) -> task<bool> {
                const auto [a, b] = co_await pollux::fork_join(is_never_early(of), is_never_early(of));
                co_return a&& b;
            };
            CHECK(rt.block_on(rt.spawn(forks(duration))));
        }
        CHECK(rt.metrics().timers_armed == 0);
    }

    TEST_CASE("sleep_until: is ready at its deadline and not before") {
        pollux::runtime rt(workers(1));
        const instant deadline = pollux::clock::now() + 5ms;
        rt.block_on(sleep_until(deadline));
        CHECK(pollux::clock::now() >= deadline);
    }

    TEST_CASE("sleep_for: counts from its first poll") {
        pollux::current_thread_runtime rt;
        auto early_made = sleep_for(3ms);
        const instant made = pollux::clock::now();
        while (pollux::clock::now() - made < 4ms) std::this_thread::yield();
        const instant start = pollux::clock::now();
        rt.block_on(early_made);
        CHECK(pollux::clock::now() - start >= 3ms);
    }

    TEST_CASE("sleep: zero, negative and past deadlines are ready at the first poll") {
        pollux::current_thread_runtime rt;
        auto handle = rt.spawn([]() -> task<> {
            co_await sleep_for(0s);
            co_await sleep_for(-5h);
            co_await sleep_for(std::chrono::nanoseconds::min());
            co_await sleep_for(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()));
            co_await sleep_until(pollux::clock::now());
            co_await sleep_until(instant::min());
        });
        CHECK(rt.poll_once() == 1);
        CHECK(handle.is_finished());
    }

    TEST_CASE("sleep: what the clock cannot reach is pending") {
        pollux::current_thread_runtime rt;
        rt.spawn(sleep_for(std::chrono::nanoseconds::max())).detach();
        rt.spawn(sleep_for(std::chrono::years(100))).detach();
        rt.spawn(sleep_for(std::chrono::hours::max())).detach();
        rt.spawn(sleep_for(std::chrono::duration<double, std::ratio<86400>>(1e300))).detach();
        rt.spawn(sleep_until(instant::max())).detach();
        CHECK(rt.run_until_stalled() == 5);
        CHECK(rt.metrics().timers_armed == 5);
        CHECK(rt.block_on(pollux::select(sleep_for(2ms), sleep_for(std::chrono::nanoseconds::max()))).index() == 0);
        CHECK(rt.metrics().timers_armed == 5);
    }

    TEST_CASE("sleep: a duration in fractions is rounded up, never early") {
        pollux::current_thread_runtime rt;
        const instant start = pollux::clock::now();
        rt.block_on(sleep_for(std::chrono::duration<double, std::milli>(2.5)));
        CHECK(pollux::clock::now() - start >= 2500us);
    }

    TEST_CASE("sleep: fires in the order of the deadlines, what is overdue together too") {
        pollux::current_thread_runtime rt;
        std::string order;
        auto c = rt.spawn(sleeps_and_notes(order, "c", 3ms));
        auto a = rt.spawn(sleeps_and_notes(order, "a", 1ms));
        auto b = rt.spawn(sleeps_and_notes(order, "b", 2ms));
        rt.run_until_stalled();
        const instant all_due = pollux::clock::now() + 3ms;
        while (pollux::clock::now() < all_due) std::this_thread::yield();
        auto all = pollux::join(std::move(a), std::move(b), std::move(c));
        rt.block_on(all);
        CHECK(order == "abc");
    }

    TEST_CASE("sleep: fires in the order of the deadlines within a tick, too") {
        auto options = workers(1);
        options.timer_tick = 1s;
        pollux::testing::sim_runtime rt(1, options);
        std::string order;
        auto c = rt.spawn(sleeps_and_notes(order, "c", 3ms));
        auto a = rt.spawn(sleeps_and_notes(order, "a", 1ms));
        auto d = rt.spawn(sleeps_and_notes(order, "d", 1001ms));
        auto b = rt.spawn(sleeps_and_notes(order, "b", 2ms));
        rt.advance(999ms);
        CHECK(order.empty());
        rt.advance(1ms);
        CHECK(order.size() == 3);
        CHECK(rt.metrics().timers_armed == 1);
        rt.advance(1s);
        CHECK(order.back() == 'd');
        CHECK(rt.metrics().timers_armed == 0);

        pollux::current_thread_runtime real(options);
        order.clear();
        auto z = real.spawn(sleeps_and_notes(order, "z", 3ms));
        auto y = real.spawn(sleeps_and_notes(order, "y", 2ms));
        auto x = real.spawn(sleeps_and_notes(order, "x", 1ms));
        real.block_on(pollux::join(std::move(x), std::move(y), std::move(z)));
        CHECK(order == "xyz");
    }

    TEST_CASE("sleep: is rounded up to the tick of its runtime") {
        const auto takes = [](std::chrono::nanoseconds tick, std::chrono::nanoseconds duration) {
            auto options = workers(2);
            options.timer_tick = tick;
            pollux::testing::sim_runtime rt(1, options);
            const instant start = rt.now();
            rt.block_on(rt.spawn(sleep_for(duration)));
            return rt.now() - start;
        };
        CHECK(takes(1ms, 1ns) == 1ms);
        CHECK(takes(1ms, 1ms) == 1ms);
        CHECK(takes(1ms, 1500us) == 2ms);
        CHECK(takes(100us, 150us) == 200us);
        CHECK(takes(100us, 1ms) == 1ms);
        CHECK(takes(1ns, 1234567ns) == 1234567ns);
        CHECK(takes(1s, 1400ms) == 2s);
        CHECK(takes(std::chrono::milliseconds(1), std::chrono::years(100)) == std::chrono::years(100));
        CHECK(pollux::runtime_options().timer_tick == 1ms);
    }

    TEST_CASE("sleep: a tick that is not positive is refused where the runtime is made") {
        for (const std::chrono::nanoseconds tick : {0ns, -1ns}) {
            auto options = workers(1);
            options.timer_tick = tick;
            const std::string expected = "pollux: runtime: timer_tick = " + std::to_string(tick.count()) +
                                         " ns is not positive; use at least 1 ns, 1 ms suits most";
            CHECK_THROWS_WITH_AS(pollux::runtime{options}, expected.c_str(), std::invalid_argument);
            CHECK_THROWS_WITH_AS(pollux::current_thread_runtime{options}, expected.c_str(), std::invalid_argument);
            CHECK_THROWS_WITH_AS(pollux::testing::sim_runtime(1, options), expected.c_str(), std::invalid_argument);
        }
    }

    // Each sleep took that long.
    TEST_CASE("sleep: a tick of more than a second is refused where the runtime is made") {
        for (const std::chrono::nanoseconds tick :
             {std::chrono::nanoseconds(1s) + 1ns, std::chrono::nanoseconds::max()}) {
            auto options = workers(1);
            options.timer_tick = tick;
            const std::string expected = "pollux: runtime: timer_tick = " + std::to_string(tick.count()) +
                                         " ns is too long; use at most 1 s, 1 ms suits most";
            CHECK_THROWS_WITH_AS(pollux::runtime{options}, expected.c_str(), std::invalid_argument);
            CHECK_THROWS_WITH_AS(pollux::current_thread_runtime{options}, expected.c_str(), std::invalid_argument);
            CHECK_THROWS_WITH_AS(pollux::testing::sim_runtime(1, options), expected.c_str(), std::invalid_argument);
        }
    }

    TEST_CASE("sleep: takes at most 96 bytes, and no memory but its own, however many are made and dropped") {
        static_assert(sizeof(pollux::sleep) <= 96);
        pollux::current_thread_runtime rt;
        std::size_t allocations = 0, pending = 0;
        rt.block_on(pollux::poll_fn([&](pollux::context& cx) -> pollux::polled<> {
            const pollux::test::allocation_counter counter;
            for (int i = 0; i != 1'000'000; ++i) {
                auto one = sleep_for(1s + std::chrono::microseconds(i * 100));
                pending += std::size_t{one.poll(cx).is_pending()};
            }
            allocations = counter.count();
            return pollux::polled<>::ready();
        }));
        CHECK(pending == 1'000'000);
        CHECK(allocations == 0);
        CHECK(rt.metrics().timers_armed == 0);
    }

    TEST_CASE("sleep: the clock jumps by years") {
        pollux::testing::sim_runtime rt(1);
        auto short_one = rt.spawn(sleep_for(1ms));
        auto long_one = rt.spawn(sleep_for(std::chrono::years(20)));
        auto longest = rt.spawn(sleep_for(std::chrono::nanoseconds::max()));
        rt.advance(std::chrono::years(10));
        CHECK(short_one.is_finished());
        CHECK_FALSE(long_one.is_finished());
        rt.advance(std::chrono::years(100));
        CHECK(long_one.is_finished());
        CHECK_FALSE(longest.is_finished());
        CHECK(rt.metrics().timers_armed == 1);
    }

    TEST_CASE("sleep: armed on a thread that is no worker, it wakes a worker that rests for longer") {
        for (const bool has_later : {false, true}) {
            pollux::runtime rt(workers(1));
            auto later = rt.spawn(sleep_for(1h));
            if (!has_later) later.abort();
            wait_until([&] { return rt.metrics().timers_armed == std::size_t{has_later}; });
            for (int i = 0; i != 20; ++i) {
                const instant start = pollux::clock::now();
                rt.block_on(sleep_for(1ms));
                CHECK(pollux::clock::now() - start >= 1ms);
            }
            later.abort();
        }
    }

    TEST_CASE("sleep: a dropped one is disarmed, and a drop from another thread too") {
        pollux::runtime rt(workers(1));
        for (int i = 0; i != 1000; ++i) {
            auto first = rt.block_on(pollux::select(sleep_for(1h), pollux::ready(1)));
            if (first.index() != 1) FAIL("a sleep of an hour was ready");
        }
        CHECK(rt.metrics().timers_armed == 0);
        auto handle = rt.spawn(sleep_for(1h));
        while (rt.metrics().timers_armed != 1) std::this_thread::yield();
        handle.abort();
        CHECK_THROWS_AS(rt.block_on(std::move(handle)), pollux::task_cancelled);
        CHECK(rt.metrics().timers_armed == 0);
    }

    TEST_CASE("sleep: many at once, dropped in the middle of the wheel") {
        pollux::runtime rt(workers(2));
        std::vector<pollux::join_handle<>> handles;
        for (int i = 0; i != 300; ++i)
            handles.push_back(rt.spawn(sleep_for(std::chrono::milliseconds(i % 3 == 0 ? 3'600'000 : 1 + i % 20))));
        for (std::size_t i = 0; i < handles.size(); i += 3) handles[i].abort();
        std::size_t cancelled = 0;
        for (auto& each : handles) {
            try {
                rt.block_on(each);
            } catch (const pollux::task_cancelled&) {
                ++cancelled;
            }
        }
        CHECK(cancelled == 100);
        CHECK(rt.metrics().timers_armed == 0);
    }

    TEST_CASE("sleep: its latest waker is woken") {
        pollux::current_thread_runtime rt;
        auto fut = sleep_for(3ms);
        pollux::testing::counting_waker early;
        pollux::testing::counting_waker late;
        auto polls_with = [&](const pollux::waker& waker) {
            return rt.block_on([&]() -> task<bool> {
                struct by_hand {
                    using value_type = bool;
                    using error_type = pollux::never;
                    pollux::sleep& fut;
                    const pollux::waker& waker;
                    by_hand(pollux::sleep& polled, const pollux::waker& with) : fut(polled), waker(with) {}
                    pollux::polled<bool> poll(pollux::context& cx) {
                        auto child = cx.with_waker(waker);
                        return fut.poll(child).is_ready();
                    }
                } once(fut, waker);
                const bool is_ready = co_await once;
                co_return is_ready;
            });
        };
        CHECK_FALSE(polls_with(early.waker()));
        CHECK_FALSE(polls_with(late.waker()));
        while (late.count() == 0) rt.run_until_stalled();
        CHECK(early.count() == 0);
        CHECK(polls_with(late.waker()));
    }

    TEST_CASE("sleep: throws no_runtime outside of a runtime") {
        CHECK_THROWS_AS(pollux::block_on(sleep_for(1ms)), pollux::no_runtime);
        CHECK_THROWS_AS(pollux::block_on(sleep_for(0ms)), pollux::no_runtime);
        auto fut = sleep_until(pollux::clock::now());
        CHECK_THROWS_AS(pollux::testing::poll_once(fut), pollux::no_runtime);
    }

    TEST_CASE("sleep: throws task_cancelled when its runtime ends first, wherever it is polled") {
        pollux::runtime other(workers(1));
        std::optional<pollux::join_handle<>> waiter;
        {
            pollux::runtime rt(workers(1));
            // Armed in the first runtime, by its context; then polled on.
            auto armed = sleep_for(1h);
            CHECK(rt.block_on(pollux::select(pollux::by_ref(armed), sleep_for(1ms))).index() == 1);
            auto fut = std::make_shared<pollux::sleep>(sleep_for(1h));
            CHECK(rt.block_on(pollux::select(pollux::by_ref(*fut), sleep_for(1ms))).index() == 1);
            waiter.emplace(other.spawn([fut]() -> task<> { co_await *fut; }));
            CHECK(rt.metrics().timers_armed == 2);
        }
        CHECK_THROWS_AS(other.block_on(std::move(*waiter)), pollux::task_cancelled);
    }

    TEST_CASE("sleep: reset before the first poll, while it is pending, and after it was ready") {
        pollux::testing::sim_runtime rt(1);
        const auto resets = []() -> task<std::string> {
            std::string text;
            const instant start = pollux::clock::now();
            const auto note = [&] { text += std::to_string((pollux::clock::now() - start) / 1ms) + " "; };
            auto fut = sleep_for(50ms);
            fut.reset(start + 10ms);
            co_await pollux::by_ref(fut);
            note();
            fut.reset(start + 30ms);
            co_await pollux::by_ref(fut);
            note();
            fut.reset(start + 100ms);
            (void)co_await pollux::select(pollux::by_ref(fut), sleep_for(5ms));
            fut.reset(start + 200ms);
            co_await pollux::by_ref(fut);
            note();
            fut.reset(start + 400ms);
            (void)co_await pollux::select(pollux::by_ref(fut), sleep_for(5ms));
            fut.reset(start + 300ms);
            co_await pollux::by_ref(fut);
            note();
            fut.reset(start);
            co_await pollux::by_ref(fut);
            note();
            co_return text;
        };
        CHECK(rt.block_on(rt.spawn(resets)) == "10 30 200 300 300 ");
        CHECK(rt.metrics().timers_armed == 0);
    }

    TEST_CASE("sleep: who waits for one that is brought forward is woken in time") {
        // Two parts of one task: the one that waits is not polled by the other's reset, but by the wake-up that it causes.
        pollux::testing::sim_runtime rt(1);
        const auto both = []() -> task<std::chrono::nanoseconds> {
            const instant start = pollux::clock::now();
            auto fut = sleep_for(1h);
            const auto brings_forward = [&]() -> task<> {
                co_await sleep_for(10ms);
                fut.reset(start + 20ms);
            };
            co_await pollux::join(pollux::by_ref(fut), brings_forward());
            co_return pollux::clock::now() - start;
        };
        CHECK(rt.block_on(rt.spawn(both)) == 20ms);
    }

    TEST_CASE("sleep: tells its deadline, before its first poll the one that it would have now") {
        pollux::testing::sim_runtime rt(1);
        const auto asks = []() -> task<bool> {
            const instant start = pollux::clock::now();
            auto fut = sleep_for(10ms);
            bool is_right = fut.deadline() == start + 10ms;
            co_await sleep_for(5ms);
            is_right = is_right && fut.deadline() == start + 15ms;
            co_await pollux::by_ref(fut);
            is_right = is_right && fut.deadline() == start + 15ms;
            auto until = sleep_until(start);
            co_return is_right&& until.deadline() == start;
        };
        CHECK(rt.block_on(rt.spawn(asks)));
    }

    TEST_CASE("sleep: is refused with a message when it is moved after its first poll") {
        const auto message = pollux::test::message_of_abort([] {
            pollux::current_thread_runtime rt;
            auto fut = sleep_for(1h);
            rt.block_on(pollux::select(pollux::by_ref(fut), pollux::ready(1)));
            auto moved = std::move(fut);
        });
        CHECK(message.starts_with("pollux: sleep: moved after its first poll; "));
    }
}
