// SPDX-License-Identifier: MIT
// The wheel of sleeps: what fires when, what a sleep sees of it, who is told of an earlier one, and what is left after the end of the
// runtime. Against a sorted container it is held in tests/truth.
#include "scheduler/sleep_wheel.hpp"

#include "pollux/runtime/errors.hpp"
#include "support/wake_counter.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using pollux::detail::sleep_entry;
using pollux::detail::sleep_state;
using pollux::detail::sleep_wheel;
using pollux::test::wake_counter;
using time_point = sleep_wheel::time_point;

constexpr time_point start{1h};

sleep_wheel::owner make_wheel(std::chrono::nanoseconds tick = 1ms) {
    return sleep_wheel::owner(new sleep_wheel(0, tick));
}

// A sleep and the task that waits for it.
class sleeper {
public:
    sleeper() = default;
    sleeper(const sleeper&) = delete;
    sleeper& operator=(const sleeper&) = delete;
    ~sleeper() { leave(); }

    bool arm(const sleep_wheel::owner& wheel, time_point deadline) {
        leave();
        const bool is_earlier = wheel->arm(entry_, deadline, woken.waker());
        is_in_ = true;
        return is_earlier;
    }
    sleep_state poll() { return poll(woken.waker()); }
    sleep_state poll(const pollux::waker& latest) { return sleep_wheel::poll(entry_, latest); }
    bool disarm() { return static_cast<bool>(sleep_wheel::disarm(entry_)); }
    void leave() {
        if (is_in_) sleep_wheel::leave(entry_);
        is_in_ = false;
    }

    wake_counter woken;

private:
    sleep_entry entry_{};
    bool is_in_ = false;
};

// Until when who serves it would rest.
time_point next_of(const sleep_wheel::owner& wheel) {
    const time_point next = wheel->begin_rest();
    wheel->end_rest();
    return next;
}

}  // namespace

TEST_SUITE("scheduler/sleep_wheel") {
    TEST_CASE("begin_rest: until the tick behind the earliest deadline, also where that is far away") {
        const auto wheel = make_wheel();
        std::array<sleeper, 4> sleepers;
        CHECK(next_of(wheel) == time_point::max());
        sleepers[0].arm(wheel, start + 100h + 1ns);
        CHECK(next_of(wheel) == start + 100h + 1ms);
        sleepers[1].arm(wheel, start + 2ms);
        CHECK(next_of(wheel) == start + 2ms);
        sleepers[2].arm(wheel, start + 3ms);
        sleepers[3].arm(wheel, start + 1ms);
        CHECK(next_of(wheel) == start + 1ms);
        CHECK(wheel->size() == 4);
        for (std::size_t i = 1; i != sleepers.size(); ++i) sleepers[i].leave();
        CHECK(next_of(wheel) == start + 100h + 1ms);
        CHECK(wheel->size() == 1);
        sleepers[0].leave();
        CHECK(next_of(wheel) == time_point::max());
        CHECK(wheel->size() == 0);
        CHECK(wheel->looks_unused());
    }

    TEST_CASE("arm: tells of a sleep that is earlier than somebody's rest, once") {
        const auto wheel = make_wheel();
        std::array<sleeper, 7> sleepers;
        CHECK_FALSE(sleepers[0].arm(wheel, start + 10ms));  // nobody rests
        CHECK(wheel->begin_rest() == start + 10ms);
        CHECK_FALSE(sleepers[1].arm(wheel, start + 11ms));
        CHECK_FALSE(sleepers[2].arm(wheel, start + 10ms));
        CHECK(sleepers[3].arm(wheel, start + 9ms));
        CHECK_FALSE(sleepers[4].arm(wheel, start + 8ms));  // whoever rests has been told
        CHECK(wheel->begin_rest() == start + 8ms);         // one more
        wheel->end_rest();                                 // of the two
        CHECK(sleepers[5].arm(wheel, start + 7ms));
        wheel->end_rest();
        CHECK_FALSE(sleepers[6].arm(wheel, start + 6ms));
        CHECK(next_of(wheel) == start + 6ms);
    }

    TEST_CASE("fire: wakes no more than it is told to, the earliest first, and nobody rests for the others") {
        const auto wheel = make_wheel();
        std::array<sleeper, 100> sleepers;
        for (std::size_t i = 0; i != sleepers.size(); ++i)
            sleepers[i].arm(wheel, start + std::chrono::microseconds(100 * (i * 37 % 100)));
        const auto fired = [&](std::size_t place) { return sleepers[place].woken.count() == 1; };
        for (const std::size_t count : {0u, 1u, 40u, 99u}) {
            CAPTURE(count);
            wheel->fire(start + 1h, count - (sleepers.size() - wheel->size()));
            for (std::size_t i = 0; i != sleepers.size(); ++i) CHECK(fired(i) == (i * 37 % 100 < count));
            CHECK(wheel->size() == sleepers.size() - count);
            CHECK(next_of(wheel) <= start + 1h);
        }
        wheel->fire(start + 1h);
        CHECK(wheel->size() == 0);
        CHECK(next_of(wheel) == time_point::max());
    }

    TEST_CASE("fire: wakes what is due, once") {
        const auto wheel = make_wheel();
        sleeper early;
        sleeper late;
        wheel->fire(start);
        early.arm(wheel, start + 1ms);
        late.arm(wheel, start + 2ms);
        wheel->fire(start);
        CHECK(early.woken.count() == 0);
        wheel->fire(start + 1ms);
        CHECK(early.woken.count() == 1);
        CHECK_FALSE(early.woken.is_kept());
        CHECK(late.woken.count() == 0);
        CHECK(early.poll() == sleep_state::fired);
        CHECK(late.poll() == sleep_state::armed);
        CHECK(wheel->size() == 1);
        wheel->fire(start + 1h);
        CHECK(early.woken.count() == 1);
        CHECK(late.woken.count() == 1);
        CHECK(late.poll() == sleep_state::fired);
        CHECK_FALSE(late.disarm());
        CHECK(late.poll() == sleep_state::fired);
        CHECK(wheel->size() == 0);
        CHECK_FALSE(wheel->looks_unused());
    }

    TEST_CASE("fire: nothing is early, and nothing later than the next tick, whatever the tick is") {
        for (const std::chrono::nanoseconds tick : {1ns, 7ns, 100'000ns, 1'000'000ns, 3'600'000'000'000ns}) {
            CAPTURE(tick.count());
            const auto wheel = make_wheel(tick);
            const time_point multiple = time_point() + tick * (start.time_since_epoch() / tick);
            sleeper at;
            sleeper behind;
            at.arm(wheel, multiple + tick);
            behind.arm(wheel, multiple + tick + 1ns);
            wheel->fire(multiple + tick - 1ns);
            CHECK(at.woken.count() == 0);
            wheel->fire(multiple + tick);
            CHECK(at.woken.count() == 1);
            CHECK(behind.woken.count() == 0);
            wheel->fire(multiple + 2 * tick - 1ns);
            CHECK(behind.woken.count() == 0);
            wheel->fire(multiple + 2 * tick);
            CHECK(behind.woken.count() == 1);
        }
    }

    TEST_CASE(
        "fire: what is overdue together fires in the order of deadlines, within a tick too, and equal ones in that of "
        "arming") {
        const auto wheel = make_wheel();
        std::vector<int> order;
        std::array<sleeper, 8> sleepers;
        const std::array<std::chrono::nanoseconds, 8> after{300us, 70ms, 200us, 5h, 300us, 100us, 70ms + 1ns, 5h - 1ns};
        for (std::size_t i = 0; i != sleepers.size(); ++i) {
            sleepers[i].woken.on_wake([&order, i] { order.push_back(static_cast<int>(i)); });
            sleepers[i].arm(wheel, start + after[i]);
        }
        wheel->fire(start + 5h);
        CHECK(order == std::vector{5, 2, 0, 4, 1, 6, 7, 3});
    }

    TEST_CASE("fire: the clock jumps by years, and far sleeps keep what they have") {
        const auto wheel = make_wheel();
        constexpr std::chrono::hours year = 24h * 365;
        std::array<sleeper, 4> sleepers;
        for (std::size_t i = 0; i != 3; ++i) sleepers[i].arm(wheel, start + year * (100 * i + 1));
        sleepers[3].arm(wheel, time_point::max());
        wheel->fire(start + year - 1ms);
        CHECK(sleepers[0].woken.count() == 0);
        wheel->fire(start + year * 100);
        CHECK(sleepers[0].woken.count() == 1);
        CHECK(sleepers[1].woken.count() == 0);
        CHECK(next_of(wheel) == start + year * 101);
        wheel->fire(start + year * 201);
        CHECK(sleepers[1].woken.count() == 1);
        CHECK(sleepers[2].woken.count() == 1);
        CHECK(next_of(wheel) == time_point::max());
        wheel->fire(time_point::max());
        CHECK(sleepers[3].woken.count() == 0);
        CHECK(wheel->size() == 1);
    }

    TEST_CASE("fire: a deadline in the past is due at once, and a clock that was read earlier fires nothing early") {
        const auto wheel = make_wheel();
        std::array<sleeper, 3> sleepers;
        sleepers[0].arm(wheel, time_point::min());
        sleepers[1].arm(wheel, start - 1h);
        wheel->fire(start);
        CHECK(sleepers[0].woken.count() == 1);
        CHECK(sleepers[1].woken.count() == 1);
        sleepers[2].arm(wheel, start - 5ms);
        wheel->fire(start - 6ms);
        CHECK(sleepers[2].woken.count() == 0);
        CHECK(next_of(wheel) == start);
        wheel->fire(start);
        CHECK(sleepers[2].woken.count() == 1);
        sleepers[0].arm(wheel, start + 20ms);
        for (int i = 0; i != 3; ++i) wheel->fire(start - 100ms);
        CHECK(sleepers[0].woken.count() == 1);
        wheel->fire(start + 20ms);
        CHECK(sleepers[0].woken.count() == 2);
    }

    TEST_CASE("fire: more sleeps than one batch holds are all woken by one call") {
        const auto wheel = make_wheel();
        std::vector<sleeper> sleepers(100);
        for (sleeper& each : sleepers) each.arm(wheel, start);
        sleeper later;
        later.arm(wheel, start + 1ms);
        wheel->fire(start);
        CHECK(std::ranges::all_of(sleepers, [](const sleeper& each) { return each.woken.count() == 1; }));
        CHECK(later.woken.count() == 0);
        CHECK(wheel->size() == 1);
    }

    TEST_CASE(
        "fire: hundreds of one tick fire in the order of their deadlines, equal ones in that of arming, overdue ones "
        "first") {
        constexpr std::size_t n = 700;
        for (const auto tick : {1ns, 63ns, 64ns, 65ns, 100'000ns, 999'999ns, 3'600'000'000'000ns}) {
            CAPTURE(tick.count());
            const auto wheel = make_wheel(tick);
            const time_point end = start - start.time_since_epoch() % tick;
            wheel->fire(end - tick);
            std::vector<sleeper> sleepers(n);
            std::vector<std::pair<time_point, std::size_t>> expected, fired;
            for (std::size_t i = 0; i != n; ++i) {
                // Several of them have the same deadline; each seventh is overdue, one by all there is.
                const auto before_end = tick * static_cast<std::int64_t>(i * 37 % 100) / 100;
                const time_point deadline = i == 7 ? time_point::min() : end - before_end - (i % 7 == 0 ? tick : 0ns);
                expected.emplace_back(deadline, i);
                sleepers[i].woken.on_wake([&fired, deadline, i] { fired.emplace_back(deadline, i); });
                sleepers[i].arm(wheel, deadline);
            }
            std::ranges::sort(expected);
            wheel->fire(end);
            CHECK(fired == expected);
        }
    }

    TEST_CASE("leave: from hundreds that are due, of which the rest fires in order") {
        constexpr std::size_t n = 700;
        const auto wheel = make_wheel();
        std::vector<sleeper> sleepers(n);
        std::vector<std::size_t> expected, fired;
        for (std::size_t i = 0; i != n; ++i) {
            sleepers[i].woken.on_wake([&fired, i] { fired.push_back(i); });
            sleepers[i].arm(wheel, start + std::chrono::nanoseconds(1'000 * i));
        }
        // All of that tick are due then, and the first ones have fired.
        wheel->fire(start + 1ms, 100);
        for (std::size_t i = 0; i != 100; ++i) expected.push_back(i);
        CHECK(fired == expected);
        for (std::size_t i = 100; i != n; ++i) {
            if (i % 3 == 0 || i == 100 || i == n - 1)
                sleepers[i].leave();
            else
                expected.push_back(i);
        }
        wheel->fire(start + 1ms);
        CHECK(fired == expected);
        CHECK(wheel->size() == 0);
        sleepers[0].arm(wheel, start + 2ms);
        wheel->fire(start + 2ms);
        CHECK(fired.back() == 0);
    }

    TEST_CASE("fire: wakers are called outside the lock, and what they arm fires in its turn") {
        const auto wheel = make_wheel();
        sleeper first;
        sleeper second;
        sleeper third;
        first.woken.on_wake([&] {
            second.arm(wheel, start + 2ms);
            third.leave();
        });
        first.arm(wheel, start);
        third.arm(wheel, start + 1ms);
        wheel->fire(start);
        CHECK(first.woken.count() == 1);
        CHECK(next_of(wheel) == start + 2ms);
        wheel->fire(start + 2ms);
        CHECK(second.woken.count() == 1);
        CHECK(third.woken.count() == 0);
    }

    TEST_CASE("poll: the latest waker is called, and the one before is dropped at once") {
        const auto wheel = make_wheel();
        sleeper one;
        wake_counter latest;
        one.arm(wheel, start);
        CHECK(one.woken.is_kept());
        CHECK(one.poll(latest.waker()) == sleep_state::armed);
        CHECK_FALSE(one.woken.is_kept());
        CHECK(latest.is_kept());
        wheel->fire(start);
        CHECK(one.woken.count() == 0);
        CHECK(latest.count() == 1);
        CHECK_FALSE(latest.is_kept());
        CHECK(one.poll() == sleep_state::fired);
        CHECK_FALSE(one.woken.is_kept());
    }

    TEST_CASE("disarm: a sleep that is taken out is not woken, and its waker is the caller's") {
        const auto wheel = make_wheel();
        sleeper one;
        one.arm(wheel, start);
        CHECK(one.disarm());
        CHECK_FALSE(one.woken.is_kept());
        CHECK(one.poll() == sleep_state::idle);
        CHECK_FALSE(one.disarm());
        CHECK(wheel->size() == 0);
        CHECK(next_of(wheel) == time_point::max());
        wheel->fire(start);
        CHECK(one.woken.count() == 0);
        one.arm(wheel, start);
        wheel->fire(start);
        CHECK(one.woken.count() == 1);
    }

    TEST_CASE("leave: wherever the sleep stands, nothing of it is left") {
        const auto wheel = make_wheel();
        std::array<sleeper, 6> sleepers;
        const auto arm_all = [&] {
            for (std::size_t i = 0; i != sleepers.size(); ++i) sleepers[i].arm(wheel, start + (i / 2) * 1h);
        };
        for (const bool is_in_its_slot : {false, true}) {
            for (const std::size_t first : {0u, 1u}) {  // the one armed first, or last, in a slot of two
                arm_all();
                if (is_in_its_slot) CHECK(next_of(wheel) == start);
                for (std::size_t i = 0; i != sleepers.size(); i += 2) {
                    sleepers[i + first].leave();
                    CHECK_FALSE(sleepers[i + first].woken.is_kept());
                    sleepers[i + 1 - first].leave();
                }
                CHECK(wheel->size() == 0);
                CHECK(wheel->looks_unused());
                CHECK(next_of(wheel) == time_point::max());
            }
        }
        wheel->fire(start + 10h);
        for (const sleeper& each : sleepers) CHECK(each.woken.count() == 0);
    }

    TEST_CASE("leave: of one that is overdue, while others that are are woken") {
        const auto wheel = make_wheel();
        std::array<sleeper, 5> sleepers;
        for (sleeper& each : sleepers) each.arm(wheel, start);
        std::vector<sleeper> others(40);  // more than a batch with them
        for (sleeper& each : others) each.arm(wheel, start + 1ns);
        sleepers[0].woken.on_wake([&] {
            sleepers[3].leave();  // is woken in this batch
            others.front().leave();
            others.back().leave();  // is not
        });
        wheel->fire(start + 1ms);
        for (const sleeper& each : sleepers) CHECK(each.woken.count() == 1);
        CHECK(others.back().woken.count() == 0);
        CHECK(std::ranges::count_if(others, [](const sleeper& each) { return each.woken.count() == 1; }) >= 38);
        CHECK(wheel->size() == 0);
        // The slot that it had come from is as good as new.
        others.back().arm(wheel, start + 65ms);
        wheel->fire(start + 65ms);
        CHECK(others.back().woken.count() == 1);
    }

    TEST_CASE(
        "close: what is armed is woken and cancelled, what has fired stays so, and nothing can be armed any more") {
        const auto wheel = make_wheel();
        sleeper fired;
        std::array<sleeper, 3> armed;
        fired.arm(wheel, start);
        for (std::size_t i = 0; i != armed.size(); ++i) armed[i].arm(wheel, start + 1ms + i * 5h);
        sleeper for_ever;
        for_ever.arm(wheel, time_point::max());
        wheel->fire(start);
        wheel->close();
        CHECK(wheel->size() == 0);
        CHECK(next_of(wheel) == time_point::max());
        CHECK(fired.woken.count() == 1);
        CHECK(fired.poll() == sleep_state::fired);
        CHECK(for_ever.poll() == sleep_state::cancelled);
        for (sleeper& each : armed) {
            CHECK(each.woken.count() == 1);
            CHECK_FALSE(each.woken.is_kept());
            CHECK(each.poll() == sleep_state::cancelled);
            CHECK_FALSE(each.disarm());
            CHECK(each.poll() == sleep_state::cancelled);
        }
        sleeper late;
        CHECK_THROWS_AS(late.arm(wheel, start), pollux::task_cancelled);
        CHECK_FALSE(late.woken.is_kept());
        CHECK(wheel->size() == 0);
        wheel->close();
        CHECK(armed[0].woken.count() == 1);
        wheel->fire(start + 1h);
    }

    TEST_CASE("a wheel outlives its owner while a sleep has not left it") {
        sleeper fired;
        sleeper cancelled;
        {
            const auto wheel = make_wheel();
            fired.arm(wheel, start);
            cancelled.arm(wheel, start + 1h);
            wheel->fire(start);
            wheel->close();
        }
        CHECK(fired.poll() == sleep_state::fired);
        CHECK(cancelled.poll() == sleep_state::cancelled);
        fired.leave();
        CHECK(cancelled.poll() == sleep_state::cancelled);
        CHECK_FALSE(cancelled.disarm());
    }

    TEST_CASE("sleeps of other threads: each is woken once or taken out, while two serve the wheel") {
        constexpr std::size_t threads = 2;
        constexpr int rounds = 2'000;
        const auto wheel = make_wheel();
        struct outcome {
            int wrong = 0;
            int fired = 0;
            int taken_out = 0;
        };
        std::array<outcome, threads> outcomes;
        std::atomic<std::size_t> running{threads};
        const auto serve = [&] {
            while (running.load() != 0) {
                wheel->begin_rest();
                wheel->end_rest();
                wheel->fire(start);
                std::this_thread::yield();
            }
        };
        {
            std::array<std::jthread, threads> others;
            for (std::size_t t = 0; t != threads; ++t)
                others[t] = std::jthread([&, t] {
                    for (int round = 0; round != rounds; ++round) {
                        sleeper one;
                        one.arm(wheel, start - (round % 3) * 1ms);
                        const bool does_wait = round % 2 == 0;
                        while (does_wait && one.woken.count() == 0) std::this_thread::yield();
                        wake_counter latest;
                        const sleep_state state = one.poll(latest.waker());
                        // It may still fire between the two.
                        const bool was_armed = one.disarm();
                        if (does_wait && (state != sleep_state::fired || was_armed)) ++outcomes[t].wrong;
                        if (one.poll() != (was_armed ? sleep_state::idle : sleep_state::fired)) ++outcomes[t].wrong;
                        one.leave();
                        ++(was_armed ? outcomes[t].taken_out : outcomes[t].fired);
                    }
                    running.fetch_sub(1);
                });
            const std::jthread second(serve);
            serve();
        }
        for (const outcome& each : outcomes) {
            CHECK(each.wrong == 0);
            CHECK(each.fired >= rounds / 2);
            CHECK(each.fired + each.taken_out == rounds);
        }
        CHECK(wheel->size() == 0);
        CHECK(wheel->looks_unused());
    }

    TEST_CASE("the end of a runtime against sleeps that are dropped elsewhere: the last one frees the wheel") {
        for (int round = 0; round != 200; ++round) {
            auto wheel = make_wheel();
            std::array<sleeper, 40> sleepers;
            for (sleeper& each : sleepers) each.arm(wheel, start);
            const std::jthread other([&] {
                for (std::size_t i = 0; i < sleepers.size(); i += 2) sleepers[i].leave();
            });
            wheel->close();
            wheel.reset();
            for (std::size_t i = 1; i < sleepers.size(); i += 2) {
                REQUIRE(sleepers[i].woken.count() == 1);
                REQUIRE(sleepers[i].poll() == sleep_state::cancelled);
                sleepers[i].leave();
            }
        }
    }
}
