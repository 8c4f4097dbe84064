// SPDX-License-Identifier: MIT
// Heuristics change how fast a runtime is, not what it does: a workload with forks, jobs, sleeps and wake-ups from outside ends alike
// without each of them. And each switch reaches the runtime that is made behind it.
#include "scheduler/heuristics.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "core/stand_back.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/join_all.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/net/unix_stream.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/sync/mpsc.hpp"
#include "pollux/time/sleep.hpp"
#include "scheduler/runtime_core.hpp"
#include "support/workers.hpp"

using namespace std::chrono_literals;
using pollux::task;
using pollux::detail::heuristic_names;
using pollux::detail::heuristics;
using pollux::detail::heuristics_scope;
using pollux::test::workers;

namespace {

heuristics all_but(bool heuristics::* one) {
    heuristics chosen;
    chosen.*one = false;
    return chosen;
}

task<long> fib(long n) {
    if (n < 2) co_return n;
    const auto [a, b] = co_await pollux::fork_join(fib(n - 1), fib(n - 2));
    co_return a + b;
}

task<> send_and_sleep(pollux::sync::mpsc::sender<int> to, int n) {
    for (int i = 0; i != n; ++i) {
        const auto sent = co_await to.send(1);
        if (!sent) co_return;
        if (i % 16 == 0) co_await pollux::sleep_for(1ms);
        co_await pollux::yield_now();
    }
}

// A byte there and back.
task<int> exchange() {
    auto pair = pollux::net::unix_stream::pair();
    if (!pair) co_return 0;
    const auto sent = co_await pair->first.write_all("x");
    const auto received = co_await pair->second.read_some(8);
    co_return sent.has_value() && received == "x" ? 1 : 0;
}

task<long> work() {
    constexpr int senders = 4, items = 100, jobs = 50;
    auto [to, from] = pollux::sync::mpsc::channel<int>(4);
    for (int i = 0; i != senders; ++i) pollux::spawn(send_and_sleep(to, items)).detach();
    { const auto last = std::move(to); }
    auto forks = pollux::spawn(fib(12));
    std::vector<pollux::join_handle<int>> done;
    for (int i = 0; i != jobs; ++i) done.push_back(pollux::spawn(pollux::offload([] { return 1; })));
    long sum = 0;
    while (const auto item = co_await from.recv()) sum += *item;
    sum += co_await forks;
    for (auto& each : done) sum += co_await each;
    sum += co_await exchange();
    co_return sum;
}
constexpr long work_done = 4 * 100 + 144 + 50 + 1;

long work_on_threads(unsigned n) {
    pollux::runtime rt(workers(n));
    return rt.block_on(rt.spawn(work()));
}

// In which order a task's children run: one worker, nobody else to take them.
std::vector<int> order_of_children() {
    pollux::runtime rt(workers(1));
    std::vector<int> order;
    auto note = [&order](int which) -> task<> {
        order.push_back(which);
        co_return;
    };
    auto parent = [&note]() -> task<> {
        std::vector<pollux::join_handle<>> children;
        for (int i = 0; i != 3; ++i) children.push_back(pollux::spawn(note(i)));
        for (auto& each : children) co_await each;
    };
    rt.block_on(rt.spawn(parent));
    return order;
}

task<bool> worker_stands_back() { co_return pollux::detail::stands_back; }

}  // namespace

TEST_SUITE("scheduler/heuristics") {
    TEST_CASE("all are on unless said, and each has a name of its own") {
        CHECK(std::size(heuristic_names) == sizeof(heuristics));
        for (const auto& each : heuristic_names) {
            CAPTURE(each.name);
            CHECK(heuristics().*each.is_on);
            CHECK(std::ranges::count(heuristic_names, each.name, &pollux::detail::heuristic_name::name) == 1);
            CHECK(std::ranges::count(heuristic_names, each.is_on, &pollux::detail::heuristic_name::is_on) == 1);
        }
    }

    TEST_CASE("a runtime keeps those that its thread had chosen, and the next one has its own") {
        for (const auto& each : heuristic_names) {
            CAPTURE(each.name);
            auto make = [] {
                return &pollux::detail::runtime_core::make(workers(1), pollux::detail::runtime_core::flavour::threads);
            };
            auto* const without = [&] {
                const heuristics_scope scope(all_but(each.is_on));
                return make();
            }();
            auto* const with = make();
            CHECK_FALSE(without->uses().*each.is_on);
            CHECK(with->uses().*each.is_on);
            for (auto* const core : {without, with}) {
                core->end();
                core->drop_owner();
            }
        }
    }

    TEST_CASE("a runtime does the same without each of them, on one worker and on three") {
        for (const auto& each : heuristic_names) {
            CAPTURE(each.name);
            const heuristics_scope scope(all_but(each.is_on));
            CHECK(work_on_threads(1) == work_done);
            CHECK(work_on_threads(3) == work_done);
        }
    }

    TEST_CASE("a runtime does the same without all of them") {
        heuristics none;
        for (const auto& each : heuristic_names) none.*each.is_on = false;
        const heuristics_scope scope(none);
        CHECK(work_on_threads(1) == work_done);
        CHECK(work_on_threads(3) == work_done);
    }

    TEST_CASE("next_slot: what was spawned last runs first, and without it last") {
        CHECK(order_of_children() == std::vector{2, 0, 1});
        const heuristics_scope scope(all_but(&heuristics::next_slot));
        CHECK(order_of_children() == std::vector{0, 1, 2});
    }

    TEST_CASE("standing_back: who becomes a worker does as its runtime says, and as before when it is none any more") {
        const heuristics_scope scope(all_but(&heuristics::standing_back));
        pollux::runtime rt(workers(1));
        CHECK_FALSE(rt.block_on(rt.spawn(worker_stands_back())));
        pollux::current_thread_runtime one;
        CHECK_FALSE(one.block_on(worker_stands_back()));
        CHECK(pollux::detail::stands_back);
    }

    TEST_CASE("light_fences: without them a runtime does with full ones") {
        const heuristics_scope scope(all_but(&heuristics::light_fences));
        auto& core = pollux::detail::runtime_core::make(workers(1), pollux::detail::runtime_core::flavour::threads);
        CHECK_FALSE(core.idle().is_asymmetric());
        core.end();
        core.drop_owner();
    }
}
