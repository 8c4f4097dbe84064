// SPDX-License-Identifier: MIT
// Runtimes that start and stop, over and over and where the system refuses: nothing of them may be left.
#include "pollux/runtime/runtime.hpp"

#include <doctest/doctest.h>
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/time/sleep.hpp"
#include "support/process_state.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::test::descriptors_of_process;
using pollux::test::refused_threads;
using pollux::test::threads_can_be_refused;
using pollux::test::threads_of_process;
using pollux::test::workers;
using namespace std::chrono_literals;

// Threads end a little after they were joined, as the system sees them; `most` may have counted some of an earlier test.
template <class Count>
std::size_t settled(Count count, std::size_t most) {
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (count() > most && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
    return count();
}

task<int> fib(int n) {
    if (n < 2) co_return n;
    const auto [a, b] = co_await pollux::fork_join(fib(n - 1), fib(n - 2));
    co_return a + b;
}
task<> works_for_ever() {
    for (;;) {
        pollux::spawn(fib(8)).detach();
        co_await pollux::offload([] {});
        co_await pollux::blocking([] {});
        co_await pollux::sleep_for(50us);
        co_await pollux::yield_now();
    }
}

// One life of a runtime, ended in the middle of its work.
void one_life(unsigned n) {
    pollux::runtime rt(workers(n));
    for (unsigned i = 0; i != 4; ++i) rt.spawn(works_for_ever()).detach();
    CHECK(rt.block_on(rt.spawn(fib(8))) == 21);
}

}  // namespace

TEST_SUITE("scheduler/lifecycle") {
    TEST_CASE("runtime: a thousand that start and stop leave no thread, descriptor or byte behind") {
        const auto round = [] {
            pollux::runtime rt(workers(2));
            CHECK(rt.block_on(rt.spawn(pollux::ready(1))) == 1);
        };
        for (int i = 0; i != 10; ++i) round();
        const std::size_t threads = threads_of_process();
        const std::size_t descriptors = descriptors_of_process();
        const auto bytes = mallinfo2().uordblks;
        for (int i = 0; i != 1000; ++i) round();
        CHECK(settled(threads_of_process, threads) <= threads);
        CHECK(descriptors_of_process() == descriptors);
        // Allocations of the test framework and the C library's caches: far below one runtime's.
        CHECK(mallinfo2().uordblks < bytes + 16 * 1024);
    }

    TEST_CASE(
        "runtime: a hundred that are stopped in the middle of their work leave no thread, descriptor or byte behind") {
        for (unsigned i = 0; i != 5; ++i) one_life(2);
        const std::size_t threads = threads_of_process();
        const std::size_t descriptors = descriptors_of_process();
        const auto bytes = mallinfo2().uordblks;
        for (unsigned i = 0; i != 100; ++i) one_life(1 + i % 3);
        CHECK(settled(threads_of_process, threads) <= threads);
        CHECK(descriptors_of_process() == descriptors);
        // oneTBB's own caches grow a little with the number of threads that have been there.
        CHECK(mallinfo2().uordblks < bytes + 256 * 1024);
    }

    TEST_CASE("runtime: whichever of its threads is refused, the constructor throws and leaves nothing behind") {
        if (!threads_can_be_refused()) return;
        const std::size_t threads = threads_of_process();
        for (int granted = 0; granted != 5; ++granted) {  // four workers, and the watchdog
            CAPTURE(granted);
            const refused_threads limit(granted);
            try {
                pollux::runtime rt(workers(4));
                FAIL("started");
            } catch (const std::system_error& error) {
                CHECK(error.code() == std::errc::resource_unavailable_try_again);
            }
            CHECK(settled(threads_of_process, threads) <= threads);
        }
        pollux::runtime rt(workers(4));
        CHECK(rt.block_on(rt.spawn(pollux::ready(1))) == 1);
    }

    TEST_CASE("runtime: its threads take no signals") {
        const auto blocks_interrupts = [] {
            sigset_t blocked;
            ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
            return sigismember(&blocked, SIGINT) == 1 && sigismember(&blocked, SIGTERM) == 1;
        };
        pollux::runtime rt(workers(1));
        CHECK(rt.block_on(rt.spawn(blocks_interrupts)));
        CHECK(rt.block_on(pollux::blocking(blocks_interrupts)));
    }

    TEST_CASE("fork: a child may exec, and is refused what it asks of its parent's runtime") {
        std::optional<pollux::runtime> rt(std::in_place, workers(2));
        std::optional<pollux::current_thread_runtime> driven(std::in_place);
        auto waiting = rt->spawn(works_for_ever());
        const auto not_permitted = [](auto fn) {
            try {
                fn();
            } catch (const std::system_error& error) {
                return error.code() == std::errc::operation_not_permitted;
            }
            return false;
        };
        const ::pid_t child = ::fork();
        if (child == 0) {
            // No thread of the parent is here: nothing may wait, or be checked by the framework.
            bool holds = not_permitted([&] { rt->block_on(pollux::ready(1)); });
            holds = not_permitted([&] { rt->shutdown(1s); }) && holds;
            holds = not_permitted([&] { driven->block_on(pollux::ready(1)); }) && holds;
            holds = rt->spawn(pollux::ready(1)).is_finished() && holds;
            rt.reset();
            driven.reset();
            ::_exit(holds ? 0 : 1);
        }
        int status = -1;
        ::waitpid(child, &status, 0);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
        const ::pid_t execs = ::fork();
        if (execs == 0) {
            ::execl("/bin/sh", "sh", "-c", "exit 7", nullptr);
            ::_exit(1);
        }
        ::waitpid(execs, &status, 0);
        CHECK(WEXITSTATUS(status) == 7);
        CHECK(rt->block_on(rt->spawn(fib(8))) == 21);
        CHECK(driven->block_on(pollux::ready(2)) == 2);
        waiting.abort();
    }

    TEST_CASE(
        "blocking: a refused thread fails the call where there is no other, and is tried again with the next call") {
        if (!threads_can_be_refused()) return;
        pollux::runtime rt(workers(1));
        {
            const refused_threads limit(0);
            CHECK_THROWS_AS(rt.block_on(pollux::blocking([] { return 1; })), std::system_error);
        }
        std::atomic<bool> runs = false;
        std::atomic<bool> let_go = false;
        auto first = rt.spawn(pollux::blocking([&] {
            runs = true;
            while (!let_go) std::this_thread::yield();
            return 1;
        }));
        while (!runs) std::this_thread::yield();
        std::optional<pollux::join_handle<int>> second;
        {
            const refused_threads limit(0);
            second = rt.spawn(pollux::blocking([] { return 2; }));
            while (rt.metrics().blocking_queued == 0) std::this_thread::yield();
        }
        // Beside the first, which still runs. Calls that come too soon after the refusal do not try.
        while (!second->is_finished()) rt.spawn(pollux::blocking([] {})).detach();
        CHECK(rt.block_on(*second) == 2);
        CHECK_FALSE(first.is_finished());
        let_go = true;
        CHECK(rt.block_on(first) == 1);
    }

    TEST_CASE("blocking: whichever of its threads is refused, the jobs are done by those that are there") {
        if (!threads_can_be_refused()) return;
        const std::size_t threads = threads_of_process();
        for (int granted = 1; granted != 6; ++granted) {
            CAPTURE(granted);
            std::atomic<int> running = 0;
            std::atomic<int> ended = 0;
            std::atomic<bool> let_go = false;
            const auto job = [&] {
                ++running;
                while (!let_go) std::this_thread::yield();
                ++ended;
            };
            std::vector<pollux::join_handle<void>> handles;
            {
                pollux::runtime rt(workers(1));
                for (int i = 0; i != granted; ++i) {
                    handles.push_back(rt.spawn(pollux::blocking(job)));
                    while (running <= i) std::this_thread::yield();
                }
                const refused_threads limit(0);
                // A thread that is there without a job takes one more; then none is left.
                while (limit.count() == 0) {
                    const int before = running;
                    handles.push_back(rt.spawn(pollux::blocking(job)));
                    while (limit.count() == 0 && running == before) std::this_thread::yield();
                }
                CHECK(ended == 0);
                let_go = true;
                for (auto& each : handles) rt.block_on(each);
                CHECK(ended == static_cast<int>(handles.size()));
            }
            CHECK(settled(threads_of_process, threads) <= threads);
        }
    }

    TEST_CASE("block_on: what it polls may destroy the runtime, inside of another one's block_on too") {
        const auto destroys_its_own = [] {
            auto rt = std::make_unique<pollux::runtime>(workers(1));
            auto& driven = *rt;
            return driven.block_on([&]() -> pollux::task<int> {
                rt.reset();
                for (int i = 0; i != 3; ++i) co_await pollux::yield_now();
                co_return 3;
            });
        };
        CHECK(destroys_its_own() == 3);
        pollux::runtime outer(workers(1));
        CHECK(outer.block_on(destroys_its_own) == 3);
    }
}
