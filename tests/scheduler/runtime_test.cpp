// SPDX-License-Identifier: MIT
#include "pollux/runtime/runtime.hpp"

#include <doctest/doctest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
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
#include "pollux/future/join.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/stream/for_each.hpp"
#include "pollux/stream/repeat.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/time/timeout.hpp"
#include "support/manual_event.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using pollux::polled;
using pollux::task;
using pollux::test::manual_event;
using pollux::test::wait_until;
using pollux::test::workers;

std::string message_of(const std::function<void()>& fn) {
    try {
        fn();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "nothing was thrown";
}

task<> yields(int times) {
    for (int i = 0; i != times; ++i) co_await pollux::yield_now();
}
task<int> waits(manual_event event) {
    auto fut = event.wait();
    co_await fut;
    co_return 1;
}
task<int> fib(int n) {
    if (n < 2) co_return n;
    const auto [a, b] = co_await pollux::fork_join(fib(n - 1), fib(n - 2));
    co_return a + b;
}

}  // namespace

TEST_SUITE("scheduler/runtime") {
    TEST_CASE("runtime: senseless options are refused with a message that names the option") {
        const auto made_with = [](auto change) {
            return message_of([&] {
                pollux::runtime_options options;
                change(options);
                pollux::runtime rt(options);
            });
        };
        CHECK(made_with([](auto& options) { options.workers = 100'000; }) ==
              "pollux: runtime: workers = 100000 is too many; use at most 4096");
        CHECK(made_with([](auto& options) { options.cpu_slots = 100'000; }) ==
              "pollux: runtime: cpu_slots = 100000 is too many; use at most 4096");
        CHECK(made_with([](auto& options) {
                  options.max_blocking_threads = 0;
              }).starts_with("pollux: runtime: max_blocking_threads is 0; "));
        CHECK(made_with([](auto& options) {
                  options.max_offloaded = 0;
              }).starts_with("pollux: runtime: max_offloaded is 0; "));
        CHECK(made_with([](auto& options) {
                  options.blocking_keep_alive = std::chrono::nanoseconds(-1);
              }).starts_with("pollux: runtime: blocking_keep_alive is negative; "));
        CHECK(made_with([](auto& options) {
                  options.io = static_cast<pollux::io_driver>(7);
              }).starts_with("pollux: runtime: io = 7 is no driver; "));
    }

    TEST_CASE("runtime: has as many workers as it is told, or as there are CPUs in its affinity mask") {
        CHECK(pollux::runtime(workers(3)).metrics().workers == 3);
        const auto at_most = static_cast<std::uint64_t>(std::max(1u, std::thread::hardware_concurrency()));
        const auto usual = pollux::runtime().metrics().workers;
        CHECK(usual >= 1);
        CHECK(usual <= at_most);
        cpu_set_t before;
        REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
        cpu_set_t one;
        CPU_ZERO(&one);
        for (int i = 0; i != CPU_SETSIZE; ++i)
            if (CPU_ISSET(i, &before)) {
                CPU_SET(i, &one);
                break;
            }
        REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
        const auto with_one = pollux::runtime().metrics().workers;
        sched_setaffinity(0, sizeof before, &before);
        CHECK(with_one == 1);
    }

    TEST_CASE("runtime: a throwing on_thread_start comes out of the constructor, and the other threads end") {
        for (const int failing : {1, 2, 3}) {
            std::atomic<int> started = 0;
            std::atomic<int> stopped = 0;
            auto options = workers(3);
            options.on_thread_start = [&] {
                if (++started == failing) throw std::runtime_error("no start");
            };
            options.on_thread_stop = [&] { ++stopped; };
            CHECK_THROWS_WITH_AS(pollux::runtime{options}, "no start", std::runtime_error);
            CHECK(started == failing);
            CHECK(stopped == failing - 1);
        }
    }

    TEST_CASE("runtime: a throwing on_thread_stop does not keep it from ending") {
        auto options = workers(1);
        std::atomic<int> stopped = 0;
        options.on_thread_stop = [&] {
            ++stopped;
            throw std::runtime_error("no stop (this line is expected)");
        };
        {
            pollux::runtime rt(options);
            CHECK(rt.block_on(rt.spawn(pollux::ready(1))) == 1);
        }
        CHECK(stopped == 1);
    }

    TEST_CASE("runtime: its threads bear its name") {
        auto options = workers(2);
        options.name = "a rather long name";
        std::mutex lock;
        std::set<std::string> names;
        {
            options.on_thread_start = [&] {
                char name[16] = {};
                pthread_getname_np(pthread_self(), name, sizeof name);
                const std::lock_guard guard(lock);
                names.insert(name);
            };
            pollux::runtime rt(options);
        }
        CHECK(names == std::set<std::string>{"a rather long-0", "a rather long-1"});
    }

    TEST_CASE("block_on: takes futures, lvalues in place, and callables; and throws what they throw") {
        pollux::runtime rt(workers(1));
        CHECK(rt.block_on(pollux::ready(1)) == 1);
        CHECK(rt.block_on([] { return 2; }) == 2);
        CHECK(rt.block_on([] { return pollux::ready(3); }) == 3);
        auto lent = yields(3);
        rt.block_on(lent);
        CHECK_THROWS_AS(rt.block_on([]() -> int { throw std::runtime_error("out"); }), std::runtime_error);
        CHECK(rt.handle().block_on(pollux::ready(4)) == 4);
        CHECK(rt.block_on(pollux::fail<int>(std::string("e"))).error() == "e");
    }

    TEST_CASE("block_on: this thread is in the runtime meanwhile, and not afterwards") {
        pollux::runtime rt(workers(1));
        auto spawns = []() -> task<int> {
            const int inner = co_await pollux::spawn(pollux::ready(8));
            co_return inner;
        };
        CHECK(rt.block_on(spawns()) == 8);
        CHECK_THROWS_AS((void)pollux::spawn(pollux::ready(1)), pollux::no_runtime);
    }

    TEST_CASE("block_on: on a worker it is refused: it would wait for itself") {
        pollux::runtime rt(workers(1));
        const auto is_refused = [](auto fn) {
            try {
                fn();
            } catch (const std::system_error& error) {
                return error.code() == std::errc::resource_deadlock_would_occur;
            }
            return false;
        };
        const auto own = rt.handle();
        CHECK(rt.block_on(rt.spawn([&] { return is_refused([&] { own.block_on(pollux::ready(1)); }); })));
        CHECK(rt.block_on(rt.spawn([&] { return is_refused([&] { pollux::block_on(pollux::never_ready()); }); })));
        pollux::current_thread_runtime driven;
        CHECK(driven.block_on([&] { return is_refused([&] { driven.run_until_stalled(); }); }));
        CHECK(driven.block_on(driven.spawn([&] { return is_refused([&] { driven.block_on(pollux::ready()); }); })));
    }

    TEST_CASE("block_on: on a worker it is refused under a block_on of another runtime, too, and so is the end") {
        pollux::runtime rt(workers(1)), other(workers(1));
        pollux::current_thread_runtime driven;
        const auto is_refused = [&](auto fn) {
            return other.block_on([&] {
                try {
                    fn();
                } catch (const std::system_error& error) {
                    return error.code() == std::errc::resource_deadlock_would_occur;
                }
                return false;
            });
        };
        CHECK(rt.block_on(rt.spawn([&] { return is_refused([&] { rt.block_on(pollux::ready()); }); })));
        CHECK(rt.block_on(rt.spawn([&] { return is_refused([&] { (void)rt.shutdown(std::chrono::seconds(0)); }); })));
        CHECK(driven.block_on([&] { return is_refused([&] { driven.block_on(pollux::ready()); }); }));
        CHECK(rt.block_on(pollux::ready(1)) == 1);
        CHECK(driven.block_on(pollux::ready(1)) == 1);
    }

    TEST_CASE("block_on: from many threads at once") {
        pollux::runtime rt(workers(2));
        std::vector<int> results(8, 0);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i != results.size(); ++i)
            threads.emplace_back([&, i] {
                for (int k = 0; k != 50; ++k) results[i] += rt.block_on(rt.spawn(fib(5)));
            });
        for (auto& each : threads) each.join();
        CHECK(results == std::vector<int>(8, 250));
    }

    TEST_CASE("runtime: a wake-up makes what was written before visible, and is followed by a poll") {
        pollux::runtime rt(workers(2));
        for (int i = 0; i != 300; ++i) {
            manual_event event;
            int written = 0;  // plain: the race detector checks the hand-over
            auto reads = [](manual_event wait_for, const int& place) -> task<int> {
                auto fut = wait_for.wait();
                co_await fut;
                co_return place;
            };
            auto handle = rt.spawn(reads(event, written));
            if (i % 3 != 0) wait_until([&] { return event.polls() > 0; });
            written = i;
            event.set();
            CHECK(rt.block_on(std::move(handle)) == i);
        }
    }

    TEST_CASE("runtime: an exception ends its task and nothing else") {
        std::atomic<int> reports = 0;
        auto options = workers(1);
        options.on_unhandled_exception = [&](pollux::task_id, std::exception_ptr) {
            ++reports;
            throw std::runtime_error("the hook throws (this line is expected)");
        };
        pollux::runtime rt(options);
        for (int i = 0; i != 10; ++i) rt.spawn([]() -> int { throw std::runtime_error("lost"); }).detach();
        rt.spawn([]() -> int { throw 5; }).detach();
        CHECK(rt.block_on(rt.spawn(fib(10))) == 55);
        wait_until([&] { return reports == 11; });
        CHECK(rt.metrics().alive_tasks == 0);
    }

    TEST_CASE("metrics: small workloads are counted exactly") {
        pollux::current_thread_runtime rt;
        CHECK(rt.metrics().workers == 1);
        CHECK(rt.metrics().spawned == 0);
        manual_event event;
        auto first = rt.spawn(waits(event));
        rt.spawn(yields(3)).detach();
        CHECK(rt.metrics().spawned == 2);
        CHECK(rt.metrics().alive_tasks == 2);
        CHECK(rt.metrics().injected == 2);
        CHECK(rt.metrics().injection_depth == 2);
        CHECK(rt.metrics().polls == 0);
        CHECK(rt.run_until_stalled() == 5);
        CHECK(rt.metrics().polls == 5);
        CHECK(rt.metrics().alive_tasks == 1);
        CHECK(rt.metrics().injection_depth + rt.metrics().local_depth == 0);
        event.set();
        CHECK(rt.block_on(std::move(first)) == 1);
        CHECK(rt.metrics().alive_tasks == 0);
        CHECK(rt.metrics().polls == 6);
        CHECK(rt.metrics().forced_yields == 0);

        auto takes_ready = [](int times) -> task<> {
            for (int i = 0; i != times; ++i) {
                auto asks = pollux::poll_fn([](pollux::context& cx) -> polled<> {
                    if (cx.consume_budget()) return polled<>::ready();
                    return pollux::pending;
                });
                co_await asks;
            }
        };
        rt.block_on(rt.spawn(takes_ready(1000)));
        CHECK(rt.metrics().forced_yields >= 1000 / 128);
        CHECK(rt.metrics().spawned == 3);
    }

    TEST_CASE("block_on: a future that is always ready is given up by its own timeout") {
        pollux::runtime rt(workers(1));
        auto endless = pollux::repeat(1) | pollux::for_each([](int) {});
        CHECK_FALSE(rt.block_on(std::move(endless) | pollux::timeout(std::chrono::milliseconds(1))).has_value());
    }

    TEST_CASE("metrics: parked workers are woken for work, and forks are counted") {
        auto options = workers(2);
        options.watchdog_limit = {};  // no third worker, which would have a rest of its own
        pollux::runtime rt(std::move(options));
        wait_until([&] { return rt.metrics().parks >= 2; });
        const auto before = rt.metrics();
        CHECK(rt.block_on(rt.spawn(fib(20))) == 6765);
        const auto after = rt.metrics();
        CHECK(after.wakes > before.wakes);
        // fib(20) forks 10,945 times, counted in steps of 256 on each worker.
        CHECK(after.forks - before.forks + 2 * 256 >= 10'945);
        CHECK(after.forks - before.forks <= 10'945);
        wait_until([&] { return rt.metrics().parks > before.parks; });  // whoever was woken sleeps again
    }

    TEST_CASE("metrics: an idle runtime stays asleep") {
        pollux::runtime rt(workers(2));
        rt.block_on(rt.spawn(yields(10)));
        // Both have gone to sleep once nothing is searching any more; then no counter moves.
        wait_until([&] {
            const auto first = rt.metrics();
            const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
            while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
            const auto second = rt.metrics();
            return first.parks == second.parks && first.wakes == second.wakes && first.polls == second.polls;
        });
        CHECK(rt.metrics().alive_tasks == 0);
    }
}
