// SPDX-License-Identifier: MIT
// What sleeping costs and how late it is: `sleeps SCENARIO [WORKERS [N]]`, the same scenarios as peers/tokio/src/bin/sleeps.rs.
//
// fire: N tasks that sleep 1-50 ms each, the second of two rounds: the CPU time of the process for each, with its task, and how late they
// were. With N = 100,000 the machine is busy throughout, so its lateness is a matter of throughput.
// fire_slowly: the same with 500-1,500 ms; the lateness is that of the timers, and of their tick.
// arm_and_drop: one task polls a sleep once and drops it, N times, with no other sleep armed; ns each.
// arm_and_drop_behind: the same while an earlier sleep is armed and the worker knows of it.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string_view>
#include <vector>

#include "heuristics.hpp"
#include "measure.hpp"
#include "pollux/future.hpp"
#include "pollux/runtime.hpp"
#include "pollux/time.hpp"

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// How long the sleep number `i` is, of those spread over [from, to) ms.
microseconds spread(std::size_t i, std::uint64_t from, std::uint64_t to) {
    return microseconds(from * 1'000 + i * 7'919 % ((to - from) * 1'000));
}

double cpu_ns() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

pollux::task<nanoseconds> sleep_once(microseconds duration) {
    const auto start = pollux::clock::now();
    co_await pollux::sleep_for(duration);
    co_return pollux::clock::now() - start - duration;
}

// After so many a task yields: a poll for all of them would be one that holds up its worker, with what is done about that.
constexpr std::size_t batch = 1'000;

// How late each was.
pollux::task<std::vector<nanoseconds>> sleep_in_tasks(std::size_t n, std::uint64_t from, std::uint64_t to) {
    std::vector<pollux::join_handle<nanoseconds>> tasks;
    tasks.reserve(n);
    for (std::size_t i = 0; i != n; ++i) {
        tasks.push_back(pollux::spawn(sleep_once(spread(i, from, to))));
        if (i % batch == batch - 1) co_await pollux::yield_now();
    }
    std::vector<nanoseconds> late;
    late.reserve(n);
    for (auto& task : tasks) late.push_back(co_await task);
    co_return late;
}

void fire(pollux::runtime& runtime, std::size_t n, std::uint64_t from, std::uint64_t to) {
    const auto round = [&] { return runtime.block_on(runtime.spawn(sleep_in_tasks(n, from, to))); };
    round();
    const double before = cpu_ns();
    std::vector<nanoseconds> late = round();
    bench::report("cpu_ns_per_sleep", (cpu_ns() - before) / static_cast<double>(n));
    std::ranges::sort(late);
    const auto report = [&](const char* metric, std::size_t place) {
        bench::report(metric, static_cast<double>(late[place].count()) * 1e-3);
    };
    report("late_p50_us", n / 2);
    report("late_p99_us", n * 99 / 100);
    report("late_max_us", n - 1);
}

// A sleep is armed at its first poll, and taken out when it is dropped. Returns how many were armed.
auto arm_and_drop(std::size_t from, std::size_t to) {
    return pollux::poll_fn([=](pollux::context& cx) -> pollux::polled<std::size_t> {
        std::size_t armed = 0;
        for (std::size_t i = from; i != to; ++i) {
            auto dropped = pollux::sleep_for(spread(i, 1'000, 30'000));
            armed += dropped.poll(cx).is_pending();
        }
        return armed;
    });
}

pollux::task<> arm_and_drop_many(std::size_t n) {
    const auto start = std::chrono::steady_clock::now();
    std::size_t armed = 0;
    for (std::size_t i = 0; i < n; i += batch) {
        armed += co_await arm_and_drop(i, std::min(i + batch, n));
        co_await pollux::yield_now();
    }
    const nanoseconds elapsed = std::chrono::steady_clock::now() - start;
    if (armed == n) bench::report("ns_per_sleep", static_cast<double>(elapsed.count()) / static_cast<double>(n));
}

pollux::task<> arm_and_drop_behind(std::size_t n) {
    auto earlier = pollux::sleep_for(milliseconds(990));
    co_await pollux::poll_fn([&](pollux::context& cx) -> pollux::polled<bool> { return earlier.poll(cx).is_ready(); });
    // The worker waits for something once, and so gets to know of the earlier one.
    co_await pollux::sleep_for(milliseconds(2));
    co_await arm_and_drop_many(n);
}

}  // namespace

int main(int argc, char** argv) {
    bench::take_heuristics(argc, argv);
    const std::string_view scenario = argc > 1 ? argv[1] : "";
    const bool is_dropping = scenario.starts_with("arm_and_drop");
    const bench::arguments arguments(argc - 1, argv + 1, is_dropping ? 1'000'000 : 100'000);
    pollux::runtime_options options;
    options.workers = arguments.workers;
    pollux::runtime runtime(options);
    if (scenario == "fire")
        fire(runtime, arguments.size, 1, 50);
    else if (scenario == "fire_slowly")
        fire(runtime, arguments.size, 500, 1'500);
    else if (scenario == "arm_and_drop")
        runtime.block_on(runtime.spawn(arm_and_drop_many(arguments.size)));
    else if (scenario == "arm_and_drop_behind")
        runtime.block_on(runtime.spawn(arm_and_drop_behind(arguments.size)));
    else {
        std::fprintf(stderr, "usage: %s fire|fire_slowly|arm_and_drop|arm_and_drop_behind [WORKERS [N]]\n", argv[0]);
        return 2;
    }
}
