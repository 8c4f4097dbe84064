// SPDX-License-Identifier: MIT
#include "pollux/testing/sim_runtime.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/offload/block_in_place.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/sync/oneshot.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/time/clock.hpp"
#include "pollux/time/sleep.hpp"
#include "support/manual_event.hpp"
#include "support/small_tasks.hpp"
#include "support/tracked.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::test::manual_event;
using pollux::test::number;
using pollux::test::tracked;
using pollux::test::waits;
using pollux::test::workers;
using pollux::testing::assertion_failed;
using pollux::testing::sim_runtime;
using namespace std::chrono_literals;

task<> notes_after(std::chrono::nanoseconds time, int which, std::vector<int>& order) {
    co_await pollux::sleep_for(time);
    order.push_back(which);
}

task<> notes(int which, std::vector<int>& order) {
    co_await pollux::yield_now();
    order.push_back(which);
}

task<int> rethrows(int n) {
    int caught = 0;
    for (int i = 0; i != 3; ++i) {
        try {
            try {
                throw std::runtime_error(std::to_string(n));
            } catch (...) {
                // Other threads go on here, and handle exceptions of their own.
                pollux::spawn(number(n)).detach();
                throw;
            }
        } catch (const std::runtime_error& error) {
            if (error.what() == std::to_string(n)) ++caught;
        }
        co_await pollux::yield_now();
    }
    co_return caught;
}

task<int> fib(int n) {
    if (n < 2) co_return n;
    const auto [a, b] = co_await pollux::fork_join(fib(n - 1), fib(n - 2));
    co_return a + b;
}

std::string message_of(const std::exception& error) { return error.what(); }

}  // namespace

TEST_SUITE("testing/sim_runtime") {
    TEST_CASE("sim_runtime: hours of sleep pass at once, to the nanosecond if that is the tick") {
        pollux::runtime_options options;
        options.timer_tick = 1ns;
        sim_runtime sim(1, options);
        const auto start = sim.now();
        sim.block_on(pollux::sleep_for(10h + 1ns));
        CHECK(sim.now() - start == 10h + 1ns);
    }

    TEST_CASE("advance: by more than the clock holds, to its end") {
        sim_runtime sim(1);
        const auto handle = sim.spawn(pollux::sleep_for(1s));
        sim.advance(std::chrono::nanoseconds::max());
        CHECK(handle.is_finished());
        CHECK(sim.now() == pollux::instant::max() - 1ns);
    }

    TEST_CASE("advance: a duration below zero is refused, and nothing moves") {
        sim_runtime sim(1);
        const auto start = sim.now();
        CHECK_THROWS_WITH_AS(
            sim.advance(-1ms),
            "pollux: sim_runtime: advance: duration = -1000000 ns is negative; the clock only goes forward, so "
            "use 0 or more",
            std::invalid_argument);
        CHECK_THROWS_AS(sim.advance(std::chrono::nanoseconds::min()), std::invalid_argument);
        CHECK(sim.now() == start);
    }

    TEST_CASE("clock::now: is virtual on the thread of a sim_runtime, inside tasks and outside, and real after it") {
        const auto real = pollux::clock::now();
        {
            sim_runtime sim(1);
            CHECK(pollux::clock::now() == sim.now());
            const auto inside = sim.block_on(sim.spawn([] { return pollux::clock::now(); }));
            CHECK(inside == sim.now());
            sim.advance(1h);
            CHECK(pollux::clock::now() == sim.now());
        }
        CHECK(pollux::clock::now() >= real);
        CHECK(pollux::clock::now() < real + 1h);
    }

    TEST_CASE("advance: fires timers in their order, those that are due at its end too, and no later one") {
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            CAPTURE(seed);
            sim_runtime sim(seed);
            std::vector<int> order;
            for (const int i : {3, 1, 4, 2}) sim.spawn(notes_after(i * 1ms, i, order)).detach();
            sim.advance(0ns);
            CHECK(order.empty());
            sim.advance(3ms);
            CHECK(order == std::vector{1, 2, 3});
            sim.advance(999'999ns);
            CHECK(order.size() == 3);
            sim.advance(1ns);
            CHECK(order == std::vector{1, 2, 3, 4});
        }
    }

    TEST_CASE("seed: decides which of two tasks comes first, and decides it again") {
        std::set<std::vector<int>> seen;
        for (std::uint64_t seed = 1; seed <= 30; ++seed) {
            CAPTURE(seed);
            std::vector<int> orders[2];
            for (auto& order : orders) {
                sim_runtime sim(seed, workers(2));
                sim.spawn(notes(1, order)).detach();
                sim.spawn(notes(2, order)).detach();
                sim.advance(0ns);
            }
            CHECK(orders[0].size() == 2);
            CHECK(orders[0] == orders[1]);
            seen.insert(orders[0]);
        }
        CHECK(seen.size() == 2);
    }

    TEST_CASE("seed: decides in which order sleeps that end together are seen, on one worker too") {
        const auto order_of = [](std::uint64_t seed) {
            pollux::runtime_options options;
            options.workers = 1;
            sim_runtime sim(seed, options);
            std::string order;
            const auto sleeps = [&](char name) -> task<> {
                co_await pollux::sleep_for(1s);
                order += name;
            };
            sim.block_on([&]() -> task<> {
                auto a = pollux::spawn(sleeps('a'));
                auto b = pollux::spawn(sleeps('b'));
                co_await a;
                co_await b;
            });
            return order;
        };
        std::set<std::string> seen;
        for (std::uint64_t seed = 1; seed <= 64; ++seed) seen.insert(order_of(seed));
        CHECK(seen == std::set<std::string>{"ab", "ba"});
    }

    TEST_CASE("workers: one to four as the seed says, or as many as asked for") {
        std::set<std::uint64_t> seen;
        for (std::uint64_t seed = 1; seed <= 50; ++seed) seen.insert(sim_runtime(seed).metrics().workers);
        CHECK(seen == std::set<std::uint64_t>{1, 2, 3, 4});
        CHECK(sim_runtime(1, workers(70)).metrics().workers == 70);
    }

    TEST_CASE("block_on: what would wait for ever throws, with the seed, and the runtime goes on") {
        sim_runtime sim(77);
        std::atomic<int> alive = 0;
        manual_event never;
        std::string message;
        try {
            sim.block_on(waits(never, alive));
        } catch (const assertion_failed& error) {
            message = error.what();
        }
        CHECK(message.find("block_on") != std::string::npos);
        CHECK(message.find("seed 77") != std::string::npos);
        CHECK(alive == 0);
        CHECK(sim.block_on(sim.spawn(number(3))) == 3);
    }

    TEST_CASE("block_on: the bare one, and that of a handle, wait in the simulation") {
        sim_runtime sim(5);
        auto handle = sim.spawn(number(6));
        CHECK(pollux::block_on(std::move(handle)) == 6);
        CHECK(sim.handle().block_on(number(7)) == 7);
        const auto inner = sim.handle();
        const int got = sim.block_on(pollux::blocking([inner] { return inner.block_on(inner.spawn(number(8))); }));
        CHECK(got == 8);
    }

    TEST_CASE("offload and blocking: jobs run among the tasks, bounded as ever, and the nested fork too") {
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            CAPTURE(seed);
            pollux::runtime_options options = workers(2);
            options.cpu_slots = 2;
            options.max_offloaded = 3;
            options.max_blocking_threads = 2;
            sim_runtime sim(seed, options);
            std::atomic<int> runs = 0;
            std::vector<pollux::join_handle<void, pollux::never>> handles;
            for (int i = 0; i != 8; ++i) {
                handles.push_back(sim.spawn(pollux::offload([&runs] { ++runs; })));
                handles.push_back(sim.spawn(pollux::blocking([&runs] { ++runs; })));
            }
            for (auto& each : handles) sim.block_on(each);
            CHECK(runs == 16);
            CHECK(sim.block_on(sim.spawn(fib(10))) == 55);
        }
    }

    TEST_CASE("block_in_place: on the one worker, another goes on with what it waits for") {
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            CAPTURE(seed);
            sim_runtime sim(seed, workers(1));
            auto handle = sim.spawn([] {
                auto first = pollux::spawn(number(2));
                auto second = pollux::spawn(pollux::sleep_for(1ms));
                return pollux::block_in_place([&] {
                    pollux::block_on(second);
                    return pollux::block_on(first);
                });
            });
            CHECK(sim.block_on(handle) == 2);
        }
    }

    TEST_CASE("exceptions: each thread has its own in flight, whatever comes between") {
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            CAPTURE(seed);
            sim_runtime sim(seed, workers(3));
            std::vector<pollux::join_handle<int, pollux::never>> handles;
            for (int i = 0; i != 6; ++i) handles.push_back(sim.spawn(rethrows(i)));
            for (auto& each : handles) CHECK(sim.block_on(each) == 3);
        }
    }

    TEST_CASE("shutdown: the grace is virtual; a job that waits for ever is stuck, and is told at the end") {
        std::atomic<int> alive = 0;
        std::atomic<bool> was_told = false;
        manual_event never;
        {
            sim_runtime sim(3);
            auto job = sim.spawn(pollux::blocking([&] {
                const tracked local(alive);
                try {
                    pollux::block_on(never.wait());
                } catch (const assertion_failed&) {
                    was_told = true;
                }
            }));
            auto task = sim.spawn(waits(never, alive));
            sim.advance(0ns);
            CHECK(alive == 2);
            const auto start = sim.now();
            const auto report = sim.shutdown(5s);
            CHECK(sim.now() - start == 5s);
            CHECK(report.stuck == 1);
            CHECK(report.cancelled == 2);
            CHECK(alive == 1);
            CHECK_THROWS_AS(sim.block_on(task), pollux::task_cancelled);
        }
        CHECK(alive == 0);
        CHECK(was_told);
    }

    TEST_CASE("sim_runtime: two on one thread keep their times apart, and may go in any order") {
        auto first = std::make_optional<sim_runtime>(1);
        auto second = std::make_optional<sim_runtime>(2);
        const auto start = first->now();
        first->block_on(pollux::sleep_for(1s));
        second->block_on(pollux::sleep_for(2s));
        CHECK(first->now() == start + 1s);
        CHECK(second->now() == start + 2s);
        first.reset();
        CHECK(second->block_on(second->spawn(number(2))) == 2);
        CHECK(pollux::clock::now() == second->now());
        second.reset();
        CHECK(pollux::clock::now() != start + 2s);
    }

    TEST_CASE("sim_runtime: a real runtime on the same thread stays real") {
        sim_runtime sim(1);
        pollux::runtime real(workers(1));
        CHECK(real.block_on(real.spawn(number(9))) == 9);
        CHECK(sim.block_on(sim.spawn(number(10))) == 10);
    }

    TEST_CASE("sim_runtime: on another thread, and inside its own tasks, it refuses") {
        sim_runtime sim(1);
        std::string message;
        std::thread([&] {
            try {
                sim.block_on(number(1));
            } catch (const assertion_failed& error) {
                message = error.what();
            }
        }).join();
        CHECK(message.find("another thread") != std::string::npos);
        const auto tries = [](auto call) {
            try {
                call();
            } catch (const std::system_error& error) {
                return error.code() == std::errc::resource_deadlock_would_occur;
            }
            return false;
        };
        CHECK(sim.block_on(sim.spawn([&] { return tries([&] { sim.advance(1ms); }); })));
        CHECK(sim.block_on(sim.spawn([&] { return tries([&] { sim.shutdown(1ms); }); })));
        CHECK(sim.block_on(sim.spawn([&] { return tries([&] { sim.block_on(number(1)); }); })));
        CHECK(sim.block_on(pollux::blocking([&] { return tries([&] { sim.advance(1ms); }); })));
    }

    TEST_CASE("POLLUX_SEED: takes the place of the seed, and has to be a number") {
        ::setenv("POLLUX_SEED", "123", 1);
        CHECK(sim_runtime(4).seed() == 123);
        ::setenv("POLLUX_SEED", "12x", 1);
        std::string message;
        try {
            sim_runtime refused(4);
        } catch (const assertion_failed& error) {
            message = message_of(error);
        }
        ::unsetenv("POLLUX_SEED");
        CHECK(message.find("POLLUX_SEED=12x") != std::string::npos);
        CHECK(sim_runtime(4).seed() == 4);
    }
}
