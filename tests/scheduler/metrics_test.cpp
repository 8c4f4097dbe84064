// SPDX-License-Identifier: MIT
// The numbers of a runtime against workloads whose numbers are known. Those of the pools are in tests/offload, too, and those of
// sleeps in tests/time.
#include "pollux/runtime/metrics.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/time/sleep.hpp"
#include "support/manual_event.hpp"
#include "support/process_state.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::test::descriptors_of_process;
using pollux::test::manual_event;
using pollux::test::wait_until;
using pollux::test::workers;

task<> spawns(int n, std::atomic<int>& runs) {
    for (int i = 0; i != n; ++i) pollux::spawn([&runs] { ++runs; }).detach();
    co_return;
}

// A job or a task that has started and goes on until it is let go.
struct held {
    std::atomic<int> running = 0;
    std::atomic<bool> let_go = false;

    auto job() {
        return [this] {
            ++running;
            while (!let_go) std::this_thread::yield();
        };
    }
};

}  // namespace

TEST_SUITE("scheduler/metrics") {
    TEST_CASE("all are zero in a runtime that has done nothing, but its workers") {
        pollux::current_thread_runtime rt;
        const auto seen = rt.metrics();
        CHECK(seen.workers == 1);
        CHECK(seen.alive_tasks + seen.spawned + seen.polls + seen.forks + seen.parks + seen.wakes + seen.idle_wakes ==
              0);
        CHECK(seen.steals + seen.stolen_tasks + seen.overflows + seen.injected + seen.forced_yields == 0);
        CHECK(seen.local_depth + seen.injection_depth + seen.timers_armed + seen.descriptors == 0);
        CHECK(seen.offload_queued + seen.offload_running + seen.offload_slots == 0);
        CHECK(seen.blocking_threads + seen.blocking_idle + seen.blocking_queued == 0);
    }

    TEST_CASE("spawned, polls, alive_tasks, injected: tasks from outside, from a task, and those that wait") {
        pollux::current_thread_runtime rt;
        std::atomic<int> runs = 0;
        manual_event event;
        auto waiting = rt.spawn(event.wait());
        rt.spawn(spawns(10, runs)).detach();
        rt.run_until_stalled();
        auto seen = rt.metrics();
        CHECK(runs == 10);
        CHECK(seen.spawned == 12);
        CHECK(seen.injected == 2);
        CHECK(seen.polls == 12);
        CHECK(seen.alive_tasks == 1);
        event.wake();  // a spurious poll, from outside
        rt.run_until_stalled();
        seen = rt.metrics();
        CHECK(seen.polls == 13);
        CHECK(seen.injected == 3);
        waiting.abort();
        rt.run_until_stalled();
        CHECK(rt.metrics().alive_tasks == 0);
        CHECK(rt.metrics().polls == 14);  // what destroys it counts as its last
    }

    TEST_CASE("overflows, local_depth, injection_depth: a task that spawns more than its worker's queue holds") {
        pollux::current_thread_runtime rt;
        std::atomic<int> runs = 0;
        rt.spawn(spawns(250, runs)).detach();
        CHECK(rt.poll_once() == 1);
        CHECK(rt.metrics().overflows == 0);
        CHECK(rt.metrics().local_depth == 250);
        rt.run_until_stalled();
        // 256 in the queue and one in the slot; the next one sends half of the queue away, and itself.
        rt.spawn(spawns(258, runs)).detach();
        CHECK(rt.poll_once() == 1);
        CHECK(rt.metrics().overflows == 1);
        CHECK(rt.metrics().local_depth == 129);
        CHECK(rt.metrics().injection_depth == 129);
        rt.run_until_stalled();
        CHECK(rt.metrics().local_depth + rt.metrics().injection_depth == 0);
        CHECK(runs == 508);
    }

    TEST_CASE("steals, stolen_tasks: what one worker spawns and does not come to is taken by the other") {
        pollux::runtime rt(workers(2));
        std::atomic<int> runs = 0;
        auto holds_its_worker = [](std::atomic<int>& count) -> task<> {
            co_await spawns(20, count);
            // The last one is in the next slot: a thief that comes too soon leaves it there, and may sleep then.
            while (count < 19) std::this_thread::yield();
        };
        rt.block_on(rt.spawn(holds_its_worker(runs)));
        wait_until([&] { return runs == 20; });
        const auto seen = rt.metrics();
        CHECK(seen.stolen_tasks >= 19);
        CHECK(seen.stolen_tasks <= 20);
        CHECK(seen.steals >= 1);
        CHECK(seen.steals <= seen.stolen_tasks);
        pollux::runtime alone(workers(1));
        std::atomic<int> others = 0;
        alone.block_on(alone.spawn(spawns(20, others)));
        wait_until([&] { return others == 20; });
        CHECK(alone.metrics().steals + alone.metrics().stolen_tasks == 0);
    }

    TEST_CASE("parks, wakes: one worker that is woken for one task after the other") {
        pollux::runtime rt(workers(1));
        wait_until([&] { return rt.metrics().parks == 1; });
        for (std::uint64_t i = 1; i != 20; ++i) {
            CAPTURE(i);
            rt.block_on(rt.spawn(pollux::ready()));
            wait_until([&] { return rt.metrics().parks == i + 1; });
            const auto seen = rt.metrics();
            CHECK(seen.wakes == i);
            CHECK(seen.idle_wakes == 0);
        }
    }

    TEST_CASE("idle_wakes: a worker is woken for a child that its parent's worker takes first") {
        pollux::runtime rt(workers(2));
        auto spawns_pairs = []() -> task<> {
            auto a = pollux::spawn(pollux::ready());
            auto b = pollux::spawn(pollux::ready());  // sends the first one where others may take it
            co_await a;
            co_await b;
        };
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (rt.metrics().idle_wakes == 0 && std::chrono::steady_clock::now() < give_up)
            rt.block_on(rt.spawn(spawns_pairs()));
        CHECK(rt.metrics().idle_wakes > 0);
        // Each wake-up follows a park, and those for nothing are among them: as seen while no worker has gone to sleep.
        auto seen = rt.metrics();
        wait_until([&] {
            const auto before = std::exchange(seen, rt.metrics());
            return before.parks == seen.parks && before.wakes == seen.wakes;
        });
        CHECK(seen.wakes <= seen.parks);
        CHECK(seen.idle_wakes <= seen.wakes);
    }

    TEST_CASE("offload_queued, offload_running, offload_slots: jobs beyond the slots wait") {
        auto options = workers(1);
        options.cpu_slots = 2;
        pollux::runtime rt(options);
        held jobs;
        std::vector<pollux::join_handle<void>> handles;
        for (int i = 0; i != 5; ++i) handles.push_back(rt.spawn(pollux::offload(jobs.job())));
        wait_until([&] { return jobs.running == 2 && rt.metrics().offload_queued == 3; });
        CHECK(rt.metrics().offload_running == 2);
        CHECK(rt.metrics().offload_slots == 2);
        jobs.let_go = true;
        for (auto& each : handles) rt.block_on(each);
        wait_until([&] { return rt.metrics().offload_running + rt.metrics().offload_queued == 0; });
        CHECK(rt.metrics().offload_slots == 2);
    }

    TEST_CASE("blocking_threads, blocking_idle, blocking_queued: jobs beyond the most threads wait") {
        auto options = workers(1);
        options.max_blocking_threads = 2;
        pollux::runtime rt(options);
        held jobs;
        std::vector<pollux::join_handle<void>> handles;
        for (int i = 0; i != 5; ++i) handles.push_back(rt.spawn(pollux::blocking(jobs.job())));
        wait_until([&] { return jobs.running == 2 && rt.metrics().blocking_queued == 3; });
        CHECK(rt.metrics().blocking_threads == 2);
        CHECK(rt.metrics().blocking_idle == 0);
        jobs.let_go = true;
        for (auto& each : handles) rt.block_on(each);
        wait_until([&] { return rt.metrics().blocking_idle == 2; });
        CHECK(rt.metrics().blocking_threads == 2);
        CHECK(rt.metrics().blocking_queued == 0);
    }

    TEST_CASE("timers_armed: sleeps that wait, dropped or not") {
        pollux::current_thread_runtime rt;
        std::vector<pollux::join_handle<void>> handles;
        for (int i = 0; i != 5; ++i) handles.push_back(rt.spawn(pollux::sleep_for(std::chrono::hours(1))));
        CHECK(rt.metrics().timers_armed == 0);
        rt.run_until_stalled();
        CHECK(rt.metrics().timers_armed == 5);
        handles[0].abort();
        rt.run_until_stalled();
        CHECK(rt.metrics().timers_armed == 4);
        rt.shutdown(std::chrono::nanoseconds(0));
        CHECK(rt.metrics().timers_armed == 0);
    }

    TEST_CASE("descriptors: none, as the process sees it, whatever the runtime has done") {
        const auto before = descriptors_of_process();
        pollux::runtime rt(workers(2));
        CHECK(rt.block_on(pollux::offload([] { return 1; })) == 1);
        CHECK(rt.block_on(pollux::blocking([] { return 2; })) == 2);
        rt.block_on(pollux::sleep_for(std::chrono::microseconds(10)));
        CHECK(descriptors_of_process() == before);
        CHECK(rt.metrics().descriptors == 0);
    }

    TEST_CASE("spawned, alive_tasks: what is refused at the end is in neither") {
        pollux::runtime rt(workers(1));
        rt.block_on(rt.spawn(pollux::ready()));
        rt.shutdown(std::chrono::seconds(0));
        for (int i = 0; i != 5; ++i) rt.spawn(pollux::ready()).detach();
        CHECK(rt.metrics().spawned == 1);
        CHECK(rt.metrics().alive_tasks == 0);
    }

    TEST_CASE("metrics: after the end of the work they stay, and so they do after shutdown") {
        pollux::runtime rt(workers(2));
        std::atomic<int> runs = 0;
        rt.block_on(rt.spawn(spawns(50, runs)));
        wait_until([&] { return runs == 50; });
        rt.shutdown(std::chrono::nanoseconds(0));
        const auto seen = rt.metrics();
        CHECK(seen.workers == 2);
        CHECK(seen.spawned == 51);
        CHECK(seen.alive_tasks == 0);
        CHECK(seen.polls == 51);
        CHECK(seen.local_depth + seen.injection_depth == 0);
    }
}
