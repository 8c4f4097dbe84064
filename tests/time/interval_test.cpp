// SPDX-License-Identifier: MIT
#include "pollux/time/interval.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/sim_runtime.hpp"

using namespace std::chrono_literals;
using pollux::instant;
using pollux::interval;
using pollux::interval_at;
using pollux::missed_tick;
using pollux::task;
using pollux::testing::sim_runtime;

namespace {

static_assert(pollux::stream<pollux::interval_stream>);

// The ticks in ms from the start, and when each was given; after the `busy_after`-th the task is away for `busy`.
task<std::string> ticks_of(pollux::interval_stream ticks, int n, int busy_after, std::chrono::milliseconds busy) {
    const instant start = pollux::clock::now();
    std::string text;
    const auto ms = [start](instant when) {
        return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(when - start).count());
    };
    for (int i = 1; i <= n; ++i) {
        const auto tick = co_await pollux::next(ticks);
        text += (text.empty() ? "" : " ") + ms(*tick) + "@" + ms(pollux::clock::now());
        if (i == busy_after) co_await pollux::sleep_for(busy);
    }
    co_return text;
}

}  // namespace

TEST_SUITE("time/interval") {
    TEST_CASE("interval: the first tick at once, then exactly a period apart") {
        sim_runtime rt(1);
        CHECK(rt.block_on(rt.spawn(ticks_of(interval(100ms), 4, 0, 0ms))) == "0@0 100@100 200@200 300@300");
    }

    TEST_CASE("interval_at: the first tick at its instant") {
        sim_runtime rt(1);
        const auto first = pollux::clock::now() + 30ms;
        CHECK(rt.block_on(rt.spawn(ticks_of(interval_at(first, 100ms), 3, 0, 0ms))) == "30@30 130@130 230@230");
    }

    TEST_CASE("interval: who is back before the next tick shifts nothing, with any policy") {
        for (const auto policy : {missed_tick::burst, missed_tick::delay, missed_tick::skip}) {
            CAPTURE(static_cast<int>(policy));
            sim_runtime rt(1);
            CHECK(rt.block_on(rt.spawn(ticks_of(interval(100ms).on_missed(policy), 4, 2, 60ms))) ==
                  "0@0 100@100 200@200 300@300");
        }
    }

    TEST_CASE("interval: a tick that is taken late by less than a period shifts nothing with burst and skip") {
        for (const auto policy : {missed_tick::burst, missed_tick::skip}) {
            CAPTURE(static_cast<int>(policy));
            sim_runtime rt(1);
            CHECK(rt.block_on(rt.spawn(ticks_of(interval(100ms).on_missed(policy), 5, 2, 160ms))) ==
                  "0@0 100@100 200@260 300@300 400@400");
        }
    }

    TEST_CASE("interval: with delay a tick that is taken more than 5 ms late shifts those behind it") {
        const auto delayed = [] { return interval(100ms).on_missed(missed_tick::delay); };
        for (const auto& [away, seen] : {std::pair(105ms, "0@0 100@100 200@205 300@300 400@400"),
                                         std::pair(106ms, "0@0 100@100 200@206 306@306 406@406"),
                                         std::pair(160ms, "0@0 100@100 200@260 360@360 460@460")}) {
            CAPTURE(seen);
            sim_runtime rt(1);
            CHECK(rt.block_on(rt.spawn(ticks_of(delayed(), 5, 2, away))) == seen);
        }
    }

    TEST_CASE("interval: burst gives the missed ticks one after the other, until it has caught up") {
        sim_runtime rt(1);
        CHECK(rt.block_on(rt.spawn(ticks_of(interval(100ms), 6, 2, 250ms))) ==
              "0@0 100@100 200@350 300@350 400@400 500@500");
    }

    TEST_CASE("interval: delay gives one, and the next a period later") {
        sim_runtime rt(1);
        CHECK(rt.block_on(rt.spawn(ticks_of(interval(100ms).on_missed(missed_tick::delay), 5, 2, 250ms))) ==
              "0@0 100@100 200@350 450@450 550@550");
    }

    TEST_CASE("interval: skip gives one, and goes on at the next multiple of the period") {
        sim_runtime rt(1);
        CHECK(rt.block_on(rt.spawn(ticks_of(interval(100ms).on_missed(missed_tick::skip), 5, 2, 250ms))) ==
              "0@0 100@100 200@350 400@400 500@500");
    }

    TEST_CASE("interval: skip leaves out the one that comes at this moment") {
        sim_runtime rt(1);
        CHECK(rt.block_on(rt.spawn(ticks_of(interval(100ms).on_missed(missed_tick::skip), 4, 2, 200ms))) ==
              "0@0 100@100 200@300 400@400");
    }

    TEST_CASE("interval: skip goes on from now however long ago the first tick was") {
        sim_runtime rt(1);
        auto ticks = interval_at(instant::min(), 1h).on_missed(missed_tick::skip);
        CHECK(rt.block_on(pollux::next(ticks)) == instant::min());
        const instant now = pollux::clock::now();
        const auto second = rt.block_on(pollux::next(ticks));
        CHECK(*second > now);
        CHECK(*second <= now + 1h);
        CHECK((second->time_since_epoch() % 1h + 1h) % 1h == (instant::min().time_since_epoch() % 1h + 1h) % 1h);
    }

    TEST_CASE("interval: the policy may be set on one that lies somewhere") {
        auto ticks = interval(100ms);
        ticks.on_missed(missed_tick::skip).on_missed(missed_tick::delay);
        sim_runtime rt(1);
        CHECK(rt.block_on(rt.spawn(ticks_of(std::move(ticks), 4, 2, 250ms))) == "0@0 100@100 200@350 450@450");
    }

    TEST_CASE("interval: a period that is not positive is refused, in words") {
        CHECK_THROWS_AS(static_cast<void>(interval(0s)), std::invalid_argument);
        CHECK_THROWS_AS(static_cast<void>(interval(-1s)), std::invalid_argument);
        CHECK_THROWS_AS(static_cast<void>(interval_at(pollux::clock::now(), 0ns)), std::invalid_argument);
    }

    TEST_CASE("interval: a hundred years are pending after the first tick") {
        sim_runtime rt(1);
        auto handle = rt.spawn(ticks_of(interval(24h * 365 * 100), 2, 0, 0ms));
        rt.advance(1h);
        CHECK_FALSE(handle.is_finished());
        handle.abort();
    }
}
