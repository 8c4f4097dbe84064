// SPDX-License-Identifier: MIT
#include "pollux/time/timeout.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/coro/async_stream.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/stream/boxed.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "support/manual_future.hpp"

using namespace std::chrono_literals;
using pollux::async_stream;
using pollux::task;
using pollux::timed_out;
using pollux::timeout;
using pollux::timeout_error;
using pollux::test::manual;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;
using pollux::testing::sim_runtime;

namespace {

using fallible = pollux::boxed_future<int, std::string>;
static_assert(std::is_same_v<decltype(timeout(pollux::ready(1), 1s))::error_type, timed_out>);
static_assert(std::is_same_v<decltype(timeout(std::declval<fallible>(), 1s))::error_type, timeout_error<std::string>>);
static_assert(std::is_convertible_v<timed_out, std::error_code>);
static_assert(std::is_convertible_v<timeout_error<std::error_code>, std::error_code>);
static_assert(!std::is_convertible_v<timeout_error<std::string>, std::error_code>);
static_assert(std::is_convertible_v<timeout_error<timed_out>, std::error_code>);
static_assert(std::is_convertible_v<timeout_error<timeout_error<std::error_code>>, std::error_code>);
static_assert(!std::is_convertible_v<timeout_error<timeout_error<std::string>>, std::error_code>);

task<int> after(std::chrono::milliseconds time, int value) {
    co_await pollux::sleep_for(time);
    co_return value;
}

task<int, std::string> fails_after(std::chrono::milliseconds time) {
    co_await pollux::sleep_for(time);
    co_return std::unexpected("failed");
}

// Uses up every budget that it gets.
task<> is_always_busy() {
    for (;;) co_await pollux::ready();
}

task<int, std::error_code> passes_on() {
    const int n = co_await pollux::try_(timeout(after(10ms, 1), 1ms));
    co_return n;
}

async_stream<int> with_gaps(std::vector<std::chrono::milliseconds> gaps) {
    int n = 0;
    for (const auto gap : gaps) {
        co_await pollux::sleep_for(gap);
        co_yield ++n;
    }
}

task<std::string> told(pollux::boxed_stream<int, timed_out> items) {
    std::string text;
    while (auto item = co_await pollux::next(items)) text += item->has_value() ? std::to_string(**item) : "-";
    co_return text;
}

}  // namespace

TEST_SUITE("time/timeout") {
    TEST_CASE("timeout: a value in time is handed on, in both forms") {
        sim_runtime rt(1);
        CHECK(rt.block_on(timeout(after(10ms, 5), 20ms)).value() == 5);
        CHECK(rt.block_on(after(10ms, 5) | timeout(20ms)).value() == 5);
        CHECK(rt.block_on(pollux::timeout_at(after(10ms, 5), pollux::clock::now() + 20ms)).value() == 5);
        CHECK(rt.block_on(after(10ms, 5) | pollux::timeout_at(pollux::clock::now() + 20ms)).value() == 5);
    }

    TEST_CASE("timeout: fails at its deadline, counted from its first poll, and what it waited for is gone then") {
        sim_runtime rt(1);
        auto event = std::make_shared<manual<int>>();
        const auto waits = [event]() -> task<std::string> {
            auto limited = timeout(event->future(), 20ms);
            co_await pollux::sleep_for(50ms);
            const auto start = pollux::clock::now();
            const auto outcome = co_await limited;
            const bool is_exact = pollux::clock::now() - start == 20ms;
            co_return std::string(outcome.has_value() ? "value" : "late") + (is_exact ? " exact" : "") +
                (event->is_alive() ? " alive" : " gone");
        };
        CHECK(rt.block_on(rt.spawn(waits)) == "late exact gone");
    }

    TEST_CASE("timeout: a lent future lives on") {
        sim_runtime rt(1);
        const auto waits = []() -> task<int> {
            auto slow = after(30ms, 7);
            const auto outcome = co_await timeout(pollux::by_ref(slow), 10ms);
            if (outcome.has_value()) co_return 0;
            const int n = co_await slow;
            co_return n;
        };
        CHECK(rt.block_on(rt.spawn(waits)) == 7);
    }

    TEST_CASE("timeout: a value that is there beats a deadline that is over; a limit of zero is one poll") {
        sim_runtime rt(1);
        CHECK(rt.block_on(timeout(pollux::ready(1), 0s)).value() == 1);
        CHECK(rt.block_on(timeout(pollux::ready(1), -1s)).value() == 1);
        CHECK(rt.block_on(pollux::timeout_at(pollux::ready(1), pollux::instant())).value() == 1);
        CHECK_FALSE(rt.block_on(timeout(after(1ms, 1), 0s)).has_value());
        CHECK(rt.block_on(timeout(after(1ms, 1), 10ms)).value() == 1);
        CHECK(rt.block_on(timeout(after(1h, 1), std::chrono::nanoseconds::max())).value() == 1);
    }

    TEST_CASE("timeout: says whether the time was over or the future has failed") {
        sim_runtime rt(1);
        const auto late = rt.block_on(timeout(fails_after(20ms), 10ms));
        CHECK(late.error().is_elapsed());
        CHECK_FALSE(late.error().is_inner());
        const auto failed = rt.block_on(timeout(fails_after(10ms), 20ms));
        CHECK(failed.error().is_inner());
        CHECK(failed.error().inner() == "failed");
    }

    TEST_CASE("timeout: its errors convert to std::error_code, so try_ passes them on") {
        sim_runtime rt(1);
        CHECK(rt.block_on(rt.spawn(passes_on())).error() == std::errc::timed_out);
        const std::error_code refused =
            timeout_error<std::error_code>(std::make_error_code(std::errc::connection_refused));
        CHECK(refused == std::errc::connection_refused);
        const std::error_code late = timeout_error<std::error_code>(timed_out());
        CHECK(late == std::errc::timed_out);
    }

    // It did not compile: the error of the one within was taken for that of the one around it.
    TEST_CASE("timeout of a timeout: says whose time was over") {
        sim_runtime rt(1);
        const auto within = rt.block_on(timeout(timeout(after(30ms, 1), 10ms), 20ms));
        CHECK(within.error().is_inner());
        CHECK(within.error() == timeout_error<timed_out>(std::in_place, timed_out()));
        const auto around = rt.block_on(after(30ms, 1) | timeout(20ms) | timeout(10ms));
        CHECK(around.error().is_elapsed());
        CHECK(around.error() == timeout_error<timed_out>(timed_out()));
        CHECK(std::error_code(within.error()) == std::errc::timed_out);
        CHECK(rt.block_on(timeout(timeout(after(5ms, 1), 10ms), 20ms)).value() == 1);

        const auto failed = rt.block_on(timeout(timeout(fails_after(5ms), 10ms), 20ms));
        CHECK(failed.error().inner().inner() == "failed");
        const auto late = rt.block_on(timeout(timeout(fails_after(30ms), 10ms), 20ms));
        CHECK(late.error().inner().is_elapsed());
        auto silent = timeout(with_gaps({30ms}) | timeout(10ms), 20ms);
        const auto item = rt.block_on(pollux::next(silent));
        CHECK(item->error().is_inner());
    }

    TEST_CASE("timeout: ends what uses up the budget of every poll") {
        pollux::current_thread_runtime rt;  // in a simulation the time stands while something can run
        CHECK_FALSE(rt.block_on(rt.spawn(timeout(is_always_busy(), 5ms))).has_value());
    }

    TEST_CASE("timeout: an exception passes, and outside of a runtime only what waits needs one") {
        manual<int> event;
        event.complete_by_throwing(std::runtime_error("thrown"));
        auto throws = timeout(event.future(), 1s);
        CHECK_THROWS_AS(poll_once(throws), std::runtime_error);
        auto at_once = timeout(pollux::ready(3), 1s);
        CHECK(assert_ready(poll_once(at_once)).value() == 3);
        manual<int> never;
        auto waits = timeout(never.future(), 1s);
        CHECK_THROWS_AS(poll_once(waits), pollux::no_runtime);
    }

    TEST_CASE("timeout of a stream: one error for each silence, and the time begins again with the next item") {
        sim_runtime rt(1);
        CHECK(rt.block_on(rt.spawn(told(with_gaps({5ms, 5ms, 5ms}) | timeout(10ms)))) == "123");
        CHECK(rt.block_on(rt.spawn(told(with_gaps({5ms, 35ms, 5ms, 15ms}) | timeout(10ms)))) == "1-23-4");
        CHECK(rt.block_on(rt.spawn(told(with_gaps({35ms, 35ms}) | timeout(10ms)))) == "-1-2");
        CHECK(rt.block_on(rt.spawn(told(timeout(pollux::iter({1, 2, 3}), 0s)))) == "123");
    }
}
