// SPDX-License-Identifier: MIT
// Polls that block their workers, and what goes on meanwhile. Where tasks wait for each other inside their polls, the case hangs
// unless somebody stands in. What the watchdog promises in time is measured: on a busy machine a measurement may be late for
// other reasons, so the best of some counts. Without a stand-in each of them would be late by half a second.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

#include "pollux/core/execution.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/sync/oneshot.hpp"
#include "pollux/time/sleep.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/stand_ins.hpp"
#include "scheduler/worker.hpp"
#include "support/process_state.hpp"
#include "support/thread_names.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

using namespace std::chrono_literals;
using pollux::spawn;
using pollux::task;
using pollux::test::sleeps_of;
using pollux::test::thread_called;
using pollux::test::wait_until;
using pollux::test::workers;
using steady = std::chrono::steady_clock;

namespace {

// How late things are, collected from all threads.
class lateness {
public:
    void add(steady::duration late) {
        const std::lock_guard guard(lock_);
        worst_ = std::max(worst_, late);
        ++count_;
    }
    steady::duration worst() const { return worst_; }
    int count() const { return count_; }

private:
    std::mutex lock_;
    steady::duration worst_{};
    int count_ = 0;
};

task<> sleeps_again_and_again(const std::atomic<bool>& is_over, lateness& sleeps) {
    while (!is_over) {
        const auto due = steady::now() + 5ms;
        co_await pollux::sleep_for(5ms);
        sleeps.add(steady::now() - due);
    }
}

struct measured {
    lateness tasks, sleeps, wakes;
};

// `n` workers, and `n` polls that block for half a second.
void measure_beside_blocked(unsigned n, measured& late) {
    pollux::runtime rt(workers(n));
    std::atomic<bool> is_over{false};
    std::vector<pollux::join_handle<void>> sleepers;
    for (unsigned i = 0; i != 4; ++i) sleepers.push_back(rt.spawn(sleeps_again_and_again(is_over, late.sleeps)));
    std::latch are_blocked(n);
    std::atomic<unsigned> blocked = n;
    for (unsigned i = 0; i != n; ++i)
        rt.spawn([&] {
              const auto begin = steady::now();
              // Into the next slot and the run queue of the worker that is about to block.
              for (int k = 0; k != 3; ++k) spawn([&, begin] { late.tasks.add(steady::now() - begin); }).detach();
              are_blocked.count_down();
              std::this_thread::sleep_for(500ms);
              if (--blocked == 0) is_over = true;
          }).detach();
    are_blocked.wait();
    while (!is_over) {
        auto [tx, rx] = pollux::sync::oneshot::channel<steady::time_point>();
        auto woken = rt.spawn([receiver = std::move(rx), &late]() mutable -> task<> {
            const auto sent = co_await receiver;
            if (sent) late.wakes.add(steady::now() - *sent);
        });
        std::this_thread::sleep_for(1ms);  // so that it mostly waits by then; the measurement is as good if it does not
        static_cast<void>(tx.send(steady::now()));
        rt.block_on(woken);
    }
    for (auto& each : sleepers) rt.block_on(each);
}

// The promise, with what a wake-up of a thread and a late look of the watchdog take on a machine that does other things.
constexpr auto most_late = 20ms;
constexpr int attempts = 10;

void polls_until_all_are_inside(pollux::runtime& rt, int count, const std::function<void()>& before = [] {}) {
    std::latch all_inside(count);
    std::vector<pollux::join_handle<void>> handles;
    for (int i = 0; i != count; ++i)
        handles.push_back(rt.spawn([&] {
            before();
            all_inside.arrive_and_wait();
        }));
    for (auto& each : handles) rt.block_on(each);
}

struct waits_at_its_end {
    std::counting_semaphore<>& begun;
    std::latch& go_on;
    ~waits_at_its_end() {
        begun.release();
        go_on.wait();
    }
};

}  // namespace

TEST_SUITE("scheduler/stand_ins") {
    TEST_CASE("polls that block for half a second delay no other task, sleep or wake-up by more than 20 ms") {
        for (const unsigned n : {1u, 2u}) {
            CAPTURE(n);
            steady::duration worst = 1h;
            for (int i = 0; i != attempts && worst > most_late; ++i) {
                measured late;
                measure_beside_blocked(n, late);
                REQUIRE(late.tasks.count() == 3 * static_cast<int>(n));
                REQUIRE(late.sleeps.count() > 0);
                REQUIRE(late.wakes.count() > 0);
                worst = std::max({late.tasks.worst(), late.sleeps.worst(), late.wakes.worst()});
            }
            CHECK(worst <= most_late);
        }
    }

    TEST_CASE(
        "more polls than workers may wait for each other, blocking: who stands in gets stuck and is stood in for") {
        pollux::runtime rt(workers(2));
        polls_until_all_are_inside(rt, 7);
        polls_until_all_are_inside(rt, 3);
        CHECK(rt.metrics().workers == 2);
    }

    TEST_CASE("a poll that computes is stood in for, too") {
        pollux::runtime rt(workers(1));
        std::atomic<bool> has_run{false};
        auto computes = rt.spawn([&] {
            spawn([&] { has_run = true; }).detach();
            unsigned long rounds = 0;
            while (!has_run) ++rounds;
            return rounds;
        });
        CHECK(rt.block_on(computes) > 0);
    }

    TEST_CASE("what a poll spawns or arms after it has been stuck for long does not wait for its end") {
        pollux::runtime rt(workers(1));
        const bool has_ended = rt.block_on(rt.spawn([&] {
            std::latch first(1), second(1), third(1);
            spawn([&] { first.count_down(); }).detach();
            first.wait();
            spawn([&] { second.count_down(); }).detach();  // into the next slot, which wakes nobody
            second.wait();
            auto sleeper = spawn([&]() -> task<> {
                co_await pollux::sleep_for(1ms);
                third.count_down();
            });
            third.wait();
            return true;
        }));
        CHECK(has_ended);
    }

    TEST_CASE("the watchdog sleeps when the workers have for a second, and is awake again with them") {
        auto options = workers(2);
        options.name = "idle";
        pollux::runtime rt(options);
        polls_until_all_are_inside(rt, 3);
        const auto watchdog = thread_called("idle-watch");
        REQUIRE(watchdog.has_value());
        // Sleeps because rest is what is measured. A look that the machine has delayed may come late.
        long before = 0, after = -1;
        for (int i = 0; i != attempts && before != after; ++i) {
            std::this_thread::sleep_for(1200ms);
            before = sleeps_of(*watchdog);
            std::this_thread::sleep_for(200ms);
            after = sleeps_of(*watchdog);
        }
        CHECK(before > 0);
        CHECK(before == after);
        polls_until_all_are_inside(rt, 3);
        CHECK(sleeps_of(*watchdog) > after);
    }

    TEST_CASE("a limit of zero means no thread; a negative one is refused") {
        auto options = workers(1);
        options.name = "off";
        {
            pollux::runtime rt(options);
            wait_until([] { return thread_called("off-watch").has_value(); });
        }
        options.watchdog_limit = 0ns;
        pollux::runtime rt(options);
        CHECK(rt.block_on(rt.spawn([] { return 1; })) == 1);
        CHECK(!thread_called("off-watch").has_value());
        options.watchdog_limit = -1ns;
        CHECK_THROWS_AS(pollux::runtime{options}, std::invalid_argument);
    }

    TEST_CASE("runtimes that end in the middle of stuck polls wait for them and leave no thread") {
        const auto before = pollux::test::threads_of_process();
        for (int i = 0; i != 100; ++i) {
            std::atomic<int> ended{0};
            std::latch are_blocked(2), go_on(1);
            {
                pollux::runtime rt(workers(1));
                for (int k = 0; k != 2; ++k)
                    rt.spawn([&] {
                          are_blocked.count_down();
                          go_on.wait();
                          ++ended;
                      }).detach();
                are_blocked.wait();
                go_on.count_down();
            }
            CHECK(ended == 2);
        }
        wait_until([&] { return pollux::test::threads_of_process() == before; });
    }

    TEST_CASE("nobody waits for a stand-in's thread that still destroys what a task has made thread_local") {
        std::counting_semaphore<> has_begun(0);
        std::latch go_on(1);
        auto options = workers(1);
        options.blocking_keep_alive = 1ms;
        pollux::runtime rt(options);
        polls_until_all_are_inside(rt, 2, [&] { thread_local const waits_at_its_end at_end{has_begun, go_on}; });
        has_begun.acquire();
        for (int i = 0; i != 3; ++i) polls_until_all_are_inside(rt, 2);
        go_on.count_down();
    }

    TEST_CASE("a stand-in that ends with its runtime is not hired once more") {
        // Seen on a loaded machine: the watchdog still took the last poll of a stand-in for stuck when that had ended already, and
        // hired it for itself. Its thread then went round in its own chain of stand-ins for ever.
        std::atomic<pollux::detail::runtime_core*> core{nullptr};
        std::atomic<int> hired_for_itself{0};
        auto options = workers(1);
        options.watchdog_limit = 0ns;
        options.on_thread_stop = [&] {
            for (const auto& each : core.load()->workers()) {
                core.load()->substitutes().take_over(*each, pollux::detail::absence::stuck);
                if (each->stand_in() == each.get()) ++hired_for_itself;
            }
        };
        {
            pollux::runtime rt(options);
            rt.block_on(rt.spawn([&] {
                core = pollux::detail::current_runtime();
                core.load()->substitutes().take_over(*core.load()->workers().begin()->get(),
                                                     pollux::detail::absence::stuck);
            }));
        }
        CHECK(hired_for_itself == 0);
    }
}
