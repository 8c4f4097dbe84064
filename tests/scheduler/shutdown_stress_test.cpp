// SPDX-License-Identifier: MIT
// shutdown() against everything that other threads may do with a runtime at that moment. Every handle answers, every task is
// destroyed when it returns, and nothing hangs.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/join_set.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/time/sleep.hpp"
#include "support/manual_event.hpp"
#include "support/small_tasks.hpp"
#include "support/tracked.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::test::manual_event;
using pollux::test::tracked;
using pollux::test::waits;
using pollux::test::workers;
using namespace std::chrono_literals;

task<> spawns_at_its_end(std::atomic<int>& alive) {
    struct spawner {
        std::atomic<int>& alive;
        explicit spawner(std::atomic<int>& count) : alive(count) {}
        ~spawner() {
            pollux::spawn([counted = tracked(alive)] {}).detach();
        }
    };
    const spawner at_the_end(alive);
    const tracked local(alive);
    for (;;) co_await pollux::yield_now();
}

// One foreign thread: spawns, wakes, and drops in every way until it is told to stop, long after the runtime has ended.
int storm(const pollux::runtime_handle& handle, std::atomic<int>& alive, const std::atomic<bool>& stop) {
    int answers = 0;
    std::vector<pollux::waker> kept;
    do {
        manual_event event;
        auto waiting = handle.spawn(waits(event, alive));
        handle.spawn(spawns_at_its_end(alive)).detach();
        { const auto dropped = handle.spawn(waits(event, alive)).abort_on_drop(); }
        {
            const auto inside = handle.enter();
            pollux::join_set<int> dropped;
            dropped.spawn(waits(manual_event(), alive));
            dropped.spawn(pollux::test::number(1));
        }
        try {
            auto dropped = handle.spawn(pollux::sleep_for(1h));
            static_cast<void>(pollux::now_or_never(dropped));  // its waker is there when it is dropped
        } catch (const pollux::task_cancelled&) {}
        handle.spawn(pollux::blocking([] {})).detach();
        handle.spawn(pollux::offload([] {})).detach();
        event.wake();
        kept.push_back(event.kept_waker());
        if (kept.size() == 50) kept.clear();
        event.set();
        try {
            static_cast<void>(pollux::block_on(waiting));
        } catch (const pollux::task_cancelled&) {}
        ++answers;
    } while (!stop);
    for (const auto& each : kept) each.wake();
    return answers;
}

}  // namespace

TEST_SUITE("scheduler/shutdown_stress") {
    TEST_CASE("shutdown: against a storm of spawns, wakes and drops from threads that do not stop for it") {
        for (int round = 0; round != 40; ++round) {
            CAPTURE(round);
            std::atomic<int> alive = 0;
            std::atomic<bool> stop = false;
            std::atomic<int> answers = 0;
            std::vector<std::thread> threads;
            std::optional<pollux::runtime> rt(std::in_place, workers(1 + static_cast<unsigned>(round) % 3));
            for (int t = 0; t != 3; ++t)
                threads.emplace_back([&, handle = rt->handle()] { answers += storm(handle, alive, stop); });
            while (rt->metrics().spawned < 20u * static_cast<unsigned>(round % 5)) std::this_thread::yield();
            const auto report = rt->shutdown(std::chrono::nanoseconds::max());
            const auto second = rt->shutdown(0ns);
            if (round % 2 == 0) rt.reset();  // while the threads go on with their handles
            stop = true;
            for (auto& each : threads) each.join();
            CHECK(report.stuck == 0);
            CHECK(second.cancelled == 0);
            CHECK(answers >= 3);
            CHECK(alive == 0);
            if (rt.has_value()) CHECK(rt->metrics().alive_tasks == 0);
        }
    }
}
