// SPDX-License-Identifier: MIT
// The heap of sleeps against a sorted container, and what a sleep sees of it: which waker is called, and what is left
// after the end of the runtime.
#include "scheduler/sleep_heap.hpp"

#include "pollux/runtime/errors.hpp"
#include "support/wake_counter.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using pollux::detail::sleep_entry;
using pollux::detail::sleep_heap;
using pollux::detail::sleep_state;
using pollux::test::wake_counter;
using time_point = sleep_heap::time_point;

constexpr time_point start{1h};

// A sleep and the task that waits for it.
struct sleeper {
    sleep_entry entry;
    wake_counter woken;

    bool arm(sleep_heap& heap, time_point deadline) {
        entry.deadline = deadline;
        return heap.arm(entry, woken.waker());
    }
    sleep_state poll(sleep_heap& heap) { return heap.poll(entry, woken.waker()); }
};

}  // namespace

TEST_SUITE("scheduler/sleep_heap") {
    TEST_CASE("arm: says whether the sleep is the earliest now") {
        sleep_heap heap;
        std::array<sleeper, 4> sleepers;
        CHECK(heap.earliest() == time_point::max());
        CHECK(sleepers[0].arm(heap, start + 2ms));
        CHECK(heap.earliest() == start + 2ms);
        CHECK_FALSE(sleepers[1].arm(heap, start + 3ms));
        CHECK_FALSE(sleepers[2].arm(heap, start + 2ms));  // as early is not earlier
        CHECK(sleepers[3].arm(heap, start + 1ms));
        CHECK(heap.earliest() == start + 1ms);
        CHECK(heap.size() == 4);
        for (sleeper& each : sleepers) {
            CHECK(each.poll(heap) == sleep_state::armed);
            heap.disarm(each.entry);
        }
        CHECK(heap.size() == 0);
    }

    TEST_CASE("fire: wakes what is due, once, and returns the next deadline") {
        sleep_heap heap;
        sleeper early;
        sleeper late;
        CHECK(heap.fire(start) == time_point::max());
        early.arm(heap, start + 1ms);
        late.arm(heap, start + 2ms);
        CHECK(heap.fire(start) == start + 1ms);
        CHECK(early.woken.count() == 0);
        CHECK(heap.fire(start + 1ms) == start + 2ms);
        CHECK(early.woken.count() == 1);
        CHECK_FALSE(early.woken.is_kept());
        CHECK(late.woken.count() == 0);
        CHECK(early.poll(heap) == sleep_state::fired);
        CHECK(late.poll(heap) == sleep_state::armed);
        CHECK(heap.fire(start + 1h) == time_point::max());
        CHECK(early.woken.count() == 1);
        CHECK(late.woken.count() == 1);
        CHECK(late.poll(heap) == sleep_state::fired);
        heap.disarm(late.entry);  // as when the future goes after its end
        CHECK(late.poll(heap) == sleep_state::fired);
    }

    TEST_CASE("fire: more sleeps than one batch holds are all woken by one call") {
        sleep_heap heap;
        std::vector<sleeper> sleepers(100);
        for (sleeper& each : sleepers) each.arm(heap, start);
        sleeper later;
        later.arm(heap, start + 1ms);
        CHECK(heap.fire(start) == start + 1ms);
        CHECK(std::ranges::all_of(sleepers, [](const sleeper& each) { return each.woken.count() == 1; }));
        CHECK(later.woken.count() == 0);
        CHECK(heap.size() == 1);
        heap.disarm(later.entry);
    }

    TEST_CASE("fire: wakers are called outside the lock, and what they arm fires in its turn") {
        sleep_heap heap;
        sleeper first;
        sleeper second;
        sleeper third;
        first.woken.on_wake([&] {
            second.arm(heap, start + 2ms);
            heap.disarm(third.entry);
        });
        first.arm(heap, start);
        third.arm(heap, start + 1ms);
        heap.fire(start);
        CHECK(first.woken.count() == 1);
        CHECK(heap.earliest() == start + 2ms);
        CHECK(heap.fire(start + 2ms) == time_point::max());
        CHECK(second.woken.count() == 1);
        CHECK(third.woken.count() == 0);
    }

    TEST_CASE("poll: the latest waker is called, and the one before is dropped at once") {
        sleep_heap heap;
        sleeper one;
        wake_counter latest;
        one.arm(heap, start);
        CHECK(one.woken.is_kept());
        CHECK(heap.poll(one.entry, latest.waker()) == sleep_state::armed);
        CHECK_FALSE(one.woken.is_kept());
        CHECK(latest.is_kept());
        heap.fire(start);
        CHECK(one.woken.count() == 0);
        CHECK(latest.count() == 1);
        CHECK_FALSE(latest.is_kept());
        CHECK(heap.poll(one.entry, one.woken.waker()) == sleep_state::fired);
        CHECK_FALSE(one.woken.is_kept());
    }

    TEST_CASE("disarm: a sleep that is taken out is not woken, whether it was armed or not") {
        sleep_heap heap;
        sleeper one;
        heap.disarm(one.entry);
        CHECK(one.entry.state == sleep_state::idle);
        one.arm(heap, start);
        heap.disarm(one.entry);
        CHECK(one.entry.state == sleep_state::idle);
        CHECK(heap.earliest() == time_point::max());
        CHECK(heap.fire(start) == time_point::max());
        CHECK(one.woken.count() == 0);
        CHECK(one.arm(heap, start));
        heap.fire(start);
        CHECK(one.woken.count() == 1);
    }

    TEST_CASE(
        "close: what is armed is woken and cancelled, what has fired stays so, and nothing can be armed any more") {
        sleep_heap heap;
        sleeper fired;
        std::array<sleeper, 3> armed;
        fired.arm(heap, start);
        for (sleeper& each : armed) each.arm(heap, start + 1ms);
        heap.fire(start);
        heap.close();
        CHECK(heap.size() == 0);
        CHECK(heap.earliest() == time_point::max());
        CHECK(fired.woken.count() == 1);
        CHECK(fired.poll(heap) == sleep_state::fired);
        for (sleeper& each : armed) {
            CHECK(each.woken.count() == 1);
            CHECK_FALSE(each.woken.is_kept());
            CHECK(each.poll(heap) == sleep_state::cancelled);
            heap.disarm(each.entry);
            CHECK(each.poll(heap) == sleep_state::cancelled);
        }
        sleeper late;
        CHECK_THROWS_AS(late.arm(heap, start), pollux::task_cancelled);
        CHECK(late.poll(heap) == sleep_state::idle);
        CHECK(heap.size() == 0);
        heap.close();
        CHECK(armed[0].woken.count() == 1);
        CHECK(heap.fire(start + 1h) == time_point::max());
    }

    TEST_CASE("any order of arming, disarming and firing: as a sorted container") {
        const auto seed = std::random_device()();
        CAPTURE(seed);
        std::mt19937 random(seed);
        const auto below = [&](std::size_t limit) {
            return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
        };
        sleep_heap heap;
        std::vector<sleeper> sleepers(200);
        std::vector<int> expected(sleepers.size());
        std::multimap<time_point, std::size_t> model;
        const auto in_model = [&](std::size_t index) {
            return std::ranges::find(model, index, [](const auto& each) { return each.second; });
        };
        time_point now = start;
        for (int step = 0; step != 20'000; ++step) {
            CAPTURE(step);
            const std::size_t index = below(sleepers.size());
            sleeper& one = sleepers[index];
            const auto place = in_model(index);
            if (below(40) == 0) {
                now += std::chrono::nanoseconds(below(300));
                while (!model.empty() && model.begin()->first <= now) {
                    ++expected[model.begin()->second];
                    model.erase(model.begin());
                }
                REQUIRE(heap.fire(now) == (model.empty() ? time_point::max() : model.begin()->first));
                for (std::size_t i = 0; i != sleepers.size(); ++i) REQUIRE(sleepers[i].woken.count() == expected[i]);
            } else if (place == model.end()) {
                // Few different deadlines: equal ones are common.
                const time_point deadline = now + std::chrono::nanoseconds(below(400));
                const bool is_earliest = model.empty() || deadline < model.begin()->first;
                model.emplace(deadline, index);
                REQUIRE(one.arm(heap, deadline) == is_earliest);
            } else {
                model.erase(place);
                heap.disarm(one.entry);
            }
            REQUIRE(heap.size() == model.size());
            REQUIRE(heap.earliest() == (model.empty() ? time_point::max() : model.begin()->first));
        }
        for (sleeper& each : sleepers) heap.disarm(each.entry);
        CHECK(heap.size() == 0);
    }

    TEST_CASE("sleeps of other threads: each is woken once or taken out, while the owner fires") {
        constexpr std::size_t threads = 2;
        constexpr int rounds = 2'000;
        sleep_heap heap;
        struct outcome {
            int wrong = 0;
            int fired = 0;
            int disarmed = 0;
        };
        std::array<outcome, threads> outcomes;
        std::atomic<std::size_t> running{threads};
        {
            std::array<std::jthread, threads> others;
            for (std::size_t t = 0; t != threads; ++t)
                others[t] = std::jthread([&, t] {
                    for (int round = 0; round != rounds; ++round) {
                        sleeper one;
                        one.arm(heap, start);
                        const bool does_wait = round % 2 == 0;
                        while (does_wait && one.woken.count() == 0) std::this_thread::yield();
                        wake_counter latest;
                        const sleep_state state = heap.poll(one.entry, latest.waker());
                        heap.disarm(one.entry);
                        // It may still fire between the poll and the disarm.
                        const bool has_fired = one.entry.state == sleep_state::fired;
                        if (does_wait && state != sleep_state::fired) ++outcomes[t].wrong;
                        if (one.entry.state != sleep_state::fired && one.entry.state != sleep_state::idle)
                            ++outcomes[t].wrong;
                        ++(has_fired ? outcomes[t].fired : outcomes[t].disarmed);
                    }
                    running.fetch_sub(1);
                });
            while (running.load() != 0) heap.fire(start);
        }
        for (const outcome& each : outcomes) {
            CHECK(each.wrong == 0);
            CHECK(each.fired >= rounds / 2);
            CHECK(each.fired + each.disarmed == rounds);
        }
        CHECK(heap.size() == 0);
    }
}
