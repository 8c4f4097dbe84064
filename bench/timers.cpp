// SPDX-License-Identifier: MIT
// What sleeps cost. The third argument says what is measured:
//   drop    (unless said) a sleep of an hour is polled once, inside a task, and dropped, N times: ns, and instructions by callgrind
//           (slope between two N)
//   behind  the same while an earlier sleep is armed
//   short   N tasks sleep 1 to 50 ms, spawned in one go: CPU time of the process for each, with its task, and how late it was
//   long    the same with 500 to 1,500 ms
// Against the same in Tokio. Late is counted from the deadline, so a whole tick is in it. A hundred thousand short sleeps are more than a
// worker can do in 50 ms: how late they are shows its throughput.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include "measure.hpp"
#include "pollux/future.hpp"
#include "pollux/runtime.hpp"
#include "pollux/time.hpp"

namespace {

using namespace std::chrono_literals;
using milliseconds = std::chrono::duration<double, std::milli>;

// So many in one poll: less than a millisecond, so that nobody stands in for the worker.
constexpr std::size_t batch = 10'000;

std::size_t run_drop(pollux::runtime& runtime, std::size_t n, bool is_behind) {
    auto earlier = pollux::sleep_for(30min);
    std::size_t pending = 0, left = n;
    auto work = pollux::poll_fn([&](pollux::context& cx) -> pollux::polled<std::size_t> {
        if (is_behind && earlier.poll(cx).is_ready()) return std::size_t{0};
        for (std::size_t i = std::min(left, batch); i != 0; --i, --left) {
            auto one = pollux::sleep_for(1h);
            pending += std::size_t{one.poll(cx).is_pending()};
        }
        if (left == 0) return pending;
        cx.waker().wake();
        return pollux::pending;
    });
    return bench::measure(n, [&] { return runtime.block_on(runtime.spawn(std::move(work))); });
}

double cpu_ns() {
    std::timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

pollux::task<> sleeps(std::chrono::nanoseconds duration, milliseconds& late) {
    const auto start = pollux::clock::now();
    co_await pollux::sleep_for(duration);
    late = pollux::clock::now() - start - duration;
}

pollux::task<> all_sleep(std::vector<milliseconds>& late, std::chrono::milliseconds least,
                         std::chrono::milliseconds most) {
    std::vector<pollux::join_handle<>> handles;
    handles.reserve(late.size());
    std::uint64_t random = 1;
    for (milliseconds& each : late) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const auto more = static_cast<std::int64_t>((random >> 33) % static_cast<std::uint64_t>((most - least) / 1ns));
        handles.push_back(pollux::spawn(sleeps(least + std::chrono::nanoseconds(more), each)));
    }
    for (auto& each : handles) co_await each;
}

std::size_t run_sleeps(pollux::runtime& runtime, std::size_t n, std::chrono::milliseconds least,
                       std::chrono::milliseconds most) {
    std::vector<milliseconds> late(n);
    runtime.block_on(runtime.spawn(all_sleep(late, least, most)));  // memory is there, and so are the caches
    const double before = cpu_ns();
    bench::measure(0, [&] {
        runtime.block_on(runtime.spawn(all_sleep(late, least, most)));
        return 0;
    });
    bench::report("cpu_ns_per_op", (cpu_ns() - before) / static_cast<double>(n));
    std::ranges::sort(late);
    bench::report("least_late_ms", late.front().count());
    bench::report("half_late_ms", late[n / 2].count());
    bench::report("p99_late_ms", late[n - 1 - n / 100].count());
    return n;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments given(argc, argv, 100'000);
    const std::string_view what = argc > 3 ? argv[3] : "drop";
    pollux::runtime_options options;
    options.workers = given.workers;
    pollux::runtime runtime(options);
    if (what == "drop" || what == "behind")
        return run_drop(runtime, given.size, what == "behind") == given.size ? 0 : 1;
    if (what == "short") return run_sleeps(runtime, given.size, 1ms, 50ms) == given.size ? 0 : 1;
    if (what == "long") return run_sleeps(runtime, given.size, 500ms, 1500ms) == given.size ? 0 : 1;
    std::fprintf(stderr, "usage: %s WORKERS N [drop|behind|short|long]\n", argv[0]);
    return 2;
}
