// SPDX-License-Identifier: MIT
// A server of two kinds of requests, in an open loop: short ones (a sleep of 1 ms) and as many long ones (the same sleep, then 2 ms of
// computing, by `offload` with cpu_slots = 1), which keep that slot busy for 70 % of the time. How long do the short ones take, beside the
// long ones and without them? `p99_added_ms` is the difference, in ms. Requests come from a thread outside at random times, and each one's
// time counts from when it was due, so that a server which falls behind does not slow its clients down.
//
// Rounds with and without long requests alternate, with the same short ones at the same times. WORKERS is the number of workers, N that of
// requests with long ones. On a machine of two CPUs worker, slot and clients have to share: the p99 has the system's scheduler in it, on
// both sides of the difference. Its peer is peers/tokio/src/bin/server.rs.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <latch>
#include <thread>
#include <vector>

#include "heuristics.hpp"
#include "latencies.hpp"
#include "pollux/offload.hpp"
#include "pollux/runtime.hpp"
#include "pollux/time.hpp"

namespace {

using steady = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr auto pause = std::chrono::milliseconds(1);
constexpr auto computing = std::chrono::milliseconds(2);
constexpr double load = 0.7;
// Of all requests: half of them are long.
constexpr double mean_gap_ns = static_cast<double>(nanoseconds(computing).count()) / load / 2;
constexpr std::size_t rounds = 10;

nanoseconds thread_cpu_time() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

// By CPU time: a thread that others hold up computes no less.
void compute() {
    std::uint64_t x = 1;
    for (const auto end = thread_cpu_time() + computing; thread_cpu_time() < end;)
        for (int i = 0; i != 1'000; ++i) {
            x = x * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
            asm volatile("" : "+r"(x));
        }
}

// xorshift64: the same requests here and in the peer.
struct random_numbers {
    std::uint64_t state;
    double next() {  // in (0, 1]
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return static_cast<double>((state >> 11) + 1) * 0x1p-53;
    }
};

struct request {
    nanoseconds due;  // from the beginning of its round
    bool is_long;
    nanoseconds took{};
};

std::vector<request> requests_of_round(std::size_t round, std::size_t n) {
    random_numbers random{round + 1};
    for (int i = 0; i != 16; ++i) random.next();
    std::vector<request> all;
    double due = 0;
    while (all.size() != n) {
        due += -std::log(random.next()) * mean_gap_ns;
        const bool is_long = random.next() <= 0.5;
        all.push_back({nanoseconds(static_cast<std::int64_t>(due)), is_long});
    }
    return all;
}

pollux::task<> serve(request& one, steady::time_point start, std::latch& unserved) {
    co_await pollux::sleep_for(pause);
    if (one.is_long) co_await pollux::offload(&compute);
    one.took = steady::now() - (start + one.due);
    unserved.count_down();
}

void run_round(pollux::runtime& runtime, std::vector<request>& all, bool with_long) {
    std::latch unserved(std::ranges::count_if(all, [&](const request& one) { return with_long || !one.is_long; }));
    const auto start = steady::now();
    for (request& one : all) {
        if (one.is_long && !with_long) continue;
        std::this_thread::sleep_until(start + one.due);
        runtime.spawn(serve(one, start, unserved)).detach();
    }
    unserved.wait();
}

}  // namespace

int main(int argc, char** argv) {
    bench::take_heuristics(argc, argv);
    const bench::arguments given(argc, argv, 3'500);
    pollux::runtime_options options;
    options.workers = given.workers;
    options.cpu_slots = 1;
    pollux::runtime runtime(options);
    bench::latencies alone, beside, long_ones;
    bench::measure(given.size, [&] {
        for (std::size_t round = 0; round != rounds; ++round) {
            auto all = requests_of_round(round, std::max(given.size / rounds, std::size_t{10}));
            run_round(runtime, all, false);
            for (const request& one : all)
                if (!one.is_long) alone.push_back(one.took);
            run_round(runtime, all, true);
            for (const request& one : all) (one.is_long ? long_ones : beside).push_back(one.took);
        }
        return 0;
    });
    bench::report_percentiles("alone", alone);
    bench::report_percentiles("short", beside);
    bench::report_percentiles("long", long_ones);
    bench::report("p99_added_ms", bench::milliseconds(bench::percentile(beside, 990) - bench::percentile(alone, 990)));
    bench::report_histogram("short_ms", beside);
    bench::report_histogram("alone_ms", alone);
}
