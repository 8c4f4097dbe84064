// SPDX-License-Identifier: MIT
// Many threads against one runtime: spawning, waking, aborting and dropping handles while it works and while it ends. Every task
// that was not aborted runs to its end exactly once, and nothing is left alive.
#include "pollux/runtime/runtime.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/time/sleep.hpp"
#include "support/manual_event.hpp"
#include "support/small_tasks.hpp"
#include "support/tracked.hpp"

namespace {

using pollux::polled;
using pollux::task;
using pollux::test::manual_event;
using pollux::test::tracked;
using pollux::test::waits;

pollux::runtime_options workers(unsigned n) {
    pollux::runtime_options options;
    options.workers = n;
    options.seed = n;
    return options;
}

task<int> yields(int times, std::atomic<int>& alive) {
    const tracked local(alive);
    for (int i = 0; i != times; ++i) co_await pollux::yield_now();
    co_return times;
}
task<int> spawns(int depth, std::atomic<int>& alive) {
    const tracked local(alive);
    if (depth == 0) co_return 1;
    auto left = pollux::spawn(spawns(depth - 1, alive));
    auto right = pollux::spawn(spawns(depth - 1, alive));
    const int a = co_await left;
    const int b = co_await right;
    co_return a + b;
}

}  // namespace

TEST_SUITE("scheduler/runtime_stress") {
    TEST_CASE("spawn: from many threads, and from tasks, everything runs once") {
        for (const unsigned n : {1u, 2u, 4u}) {
            CAPTURE(n);
            std::atomic<int> alive = 0;
            std::atomic<int> runs = 0;
            pollux::runtime rt(workers(n));
            std::vector<std::thread> threads;
            for (int t = 0; t != 3; ++t)
                threads.emplace_back([&] {
                    const auto handle = rt.handle();
                    for (int i = 0; i != 2000; ++i) handle.spawn([&runs] { ++runs; }).detach();
                });
            const int leaves = rt.block_on(rt.spawn(spawns(10, alive)));
            for (auto& each : threads) each.join();
            CHECK(leaves == 1024);
            while (rt.metrics().alive_tasks != 0) std::this_thread::yield();
            CHECK(runs == 6000);
            CHECK(alive == 0);
            CHECK(rt.metrics().spawned == 6000 + 2047);
        }
    }

    TEST_CASE("wake: storms from several threads never lose the last wake-up, and never poll a task twice at once") {
        pollux::runtime rt(workers(2));
        for (int round = 0; round != 50; ++round) {
            std::atomic<int> goal = 0;
            std::atomic<bool> is_polled = false;
            std::atomic<bool> overlapped = false;
            std::atomic<bool> has_waker = false;
            pollux::waker shared;
            auto handle = rt.spawn(pollux::poll_fn([&](pollux::context& cx) -> polled<int> {
                if (is_polled.exchange(true)) overlapped = true;
                if (!has_waker) {
                    shared = cx.waker();
                    has_waker = true;
                }
                const int seen = goal.load(std::memory_order::relaxed);  // the wake-up orders it
                is_polled = false;
                if (seen == 4000) return seen;
                return pollux::pending;
            }));
            while (!has_waker) std::this_thread::yield();
            std::vector<std::thread> threads;
            for (int t = 0; t != 4; ++t)
                threads.emplace_back([&] {
                    const pollux::waker mine = shared;
                    for (int i = 0; i != 1000; ++i) {
                        goal.fetch_add(1, std::memory_order::relaxed);
                        mine.wake();
                    }
                });
            const int result = rt.block_on(std::move(handle));
            for (auto& each : threads) each.join();
            CHECK(result == 4000);
            CHECK_FALSE(overlapped);
        }
    }

    TEST_CASE("abort: a storm of aborts against wakes, completions and dropped handles leaves nothing alive") {
        for (const unsigned n : {1u, 2u, 4u}) {
            CAPTURE(n);
            std::atomic<int> alive = 0;
            pollux::runtime rt(workers(n));
            std::minstd_rand random(n);
            for (int round = 0; round != 60; ++round) {
                std::vector<manual_event> events(20);
                std::vector<pollux::join_handle<int>> handles;
                std::vector<pollux::abort_handle> to_abort;
                for (std::size_t i = 0; i != events.size(); ++i) {
                    handles.push_back(i % 2 == 0 ? rt.spawn(waits(events[i], alive, 1))
                                                 : rt.spawn(yields(static_cast<int>(random() % 20), alive)));
                    to_abort.push_back(handles.back().abort_handle());
                }
                std::thread wakes([&] {
                    for (auto& each : events) each.set();
                });
                std::thread aborts([&] {
                    for (auto& each : to_abort) each.abort();
                });
                for (std::size_t i = 0; i < handles.size(); ++i) {
                    if (i % 3 == 0) {
                        handles[i].detach();
                        continue;
                    }
                    try {
                        static_cast<void>(rt.block_on(handles[i]));
                    } catch (const pollux::task_cancelled&) {}
                }
                wakes.join();
                aborts.join();
                for (const auto& each : to_abort)
                    while (!each.is_finished()) std::this_thread::yield();
                CHECK(alive == 0);
            }
            CHECK(rt.metrics().alive_tasks == 0);
        }
    }

    TEST_CASE("~runtime: while other threads spawn, wake, abort and join") {
        for (int round = 0; round != 60; ++round) {
            CAPTURE(round);
            std::atomic<int> alive = 0;
            std::atomic<bool> stop = false;
            std::atomic<int> results = 0;
            manual_event events[4];
            std::vector<std::thread> threads;
            std::optional<pollux::runtime> rt(std::in_place, workers(1 + static_cast<unsigned>(round) % 4));
            for (int t = 0; t != 4; ++t)
                threads.emplace_back([&, t, handle = rt->handle()] {
                    auto& event = events[t];
                    auto waiting = handle.spawn(waits(event, alive, 1));
                    const auto to_abort = waiting.abort_handle();
                    for (int i = 0; i != 300 && !stop; ++i) {
                        handle.spawn(yields(3, alive)).detach();
                        handle.spawn(pollux::sleep_for(std::chrono::microseconds(50))).detach();
                        event.wake();
                    }
                    if (t % 2 == 0) event.set();
                    if (t == 1) to_abort.abort();
                    try {
                        results += pollux::block_on(waiting);
                    } catch (const pollux::task_cancelled&) {
                        ++results;
                    }
                });
            for (int i = 0; i != round % 10; ++i) std::this_thread::yield();
            if (round % 2 == 0) stop = true;
            rt.reset();
            stop = true;
            for (auto& each : threads) each.join();
            CHECK(results == 4);
            CHECK(alive == 0);
        }
    }

    TEST_CASE("join_handle: polled by one thread while the task ends on another, or dropped at that moment") {
        std::atomic<int> alive = 0;
        pollux::runtime rt(workers(2));
        for (int i = 0; i != 3000; ++i) {
            auto handle = rt.spawn([counted = tracked(alive)]() mutable { return std::move(counted); });
            if (i % 3 == 0) {
                const auto value = pollux::block_on(std::move(handle));
                if (alive == 0) FAIL("a value was destroyed before its owner");
            } else if (i % 3 == 1) {
                handle.detach();
            } else {
                const auto early = pollux::now_or_never(handle);
                static_cast<void>(early);
            }
        }
        while (rt.metrics().alive_tasks != 0) std::this_thread::yield();
        // The last results may just be on their way out with their handles' references.
        while (alive != 0) std::this_thread::yield();
        CHECK(alive == 0);
    }

    TEST_CASE("on_unhandled_exception: each lost exception is reported exactly once, however its handle goes") {
        std::atomic<int> reports = 0;
        std::atomic<int> seen = 0;
        auto options = workers(2);
        options.on_unhandled_exception = [&](pollux::task_id, std::exception_ptr exception) {
            if (exception != nullptr) ++reports;
        };
        {
            pollux::runtime rt(options);
            for (int i = 0; i != 3000; ++i) {
                auto handle = rt.spawn([]() -> int { throw std::runtime_error("lost or seen"); });
                switch (i % 3) {
                    case 0: try { static_cast<void>(pollux::block_on(std::move(handle)));
                        } catch (const std::runtime_error&) {
                            ++seen;
                        }
                        break;
                    case 1: handle.detach(); break;
                    default: try { static_cast<void>(pollux::now_or_never(handle));
                        } catch (const std::runtime_error&) {
                            ++seen;
                        }
                }
            }
            while (rt.metrics().alive_tasks != 0) std::this_thread::yield();
        }
        CHECK(reports + seen == 3000);
    }

    TEST_CASE("current_thread_runtime: many threads spawn into it and wake its tasks while one drives") {
        std::atomic<int> alive = 0;
        pollux::current_thread_runtime rt;
        manual_event done;
        std::atomic<int> runs = 0;
        std::vector<std::thread> threads;
        for (int t = 0; t != 3; ++t)
            threads.emplace_back([&, handle = rt.handle()] {
                for (int i = 0; i != 1000; ++i) {
                    handle
                        .spawn([&] {
                            if (++runs == 3000) done.set();
                        })
                        .detach();
                }
            });
        const int result = rt.block_on(waits(done, alive, 1));
        for (auto& each : threads) each.join();
        CHECK(result == 1);
        CHECK(runs == 3000);
    }
}
