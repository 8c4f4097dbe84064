// SPDX-License-Identifier: MIT
// From a wake-up on a thread that is no worker to the poll that follows it, on a worker that sleeps: against the futex that a worker
// sleeps on, bare, between two threads. N rounds of both in turn. Medians in ns, and the median of the rounds' ratios. The waker's
// thread is awake and the other one has been asleep for 200 microseconds each time; nothing is pinned. It does not show wake-ups
// of busy workers, nor several at once.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "heuristics.hpp"
#include "measure.hpp"
#include "pollux/future.hpp"
#include "pollux/runtime.hpp"

namespace {

using steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

void spin_until(auto condition) {
    while (!condition()) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
}
// Awake, so that this thread's processor does not have to be woken for the wake-up.
void let_it_fall_asleep() {
    const auto until = steady::now() + 200us;
    spin_until([&] { return steady::now() >= until; });
}

// What both sides measure: the waking thread notes when it starts, the woken one when it runs.
struct stopwatch {
    steady::time_point start;
    std::atomic<std::int64_t> elapsed = 0;  // 0: has not run yet

    void stop() noexcept { elapsed.store(std::max<std::int64_t>((steady::now() - start).count(), 1)); }
    double wait_for_stop() {
        spin_until([&] { return elapsed.load() != 0; });
        return static_cast<double>(elapsed.exchange(0));
    }
};

class bare_futex {
public:
    double round() {
        spin_until([&] { return word_.load() == parked; });
        let_it_fall_asleep();
        watch_.start = steady::now();
        wake(notified);
        return watch_.wait_for_stop();
    }
    ~bare_futex() {
        spin_until([&] { return word_.load() == parked; });
        wake(over);
        sleeper_.join();
    }

private:
    static constexpr std::uint32_t empty = 0, parked = 1, notified = 2, over = 3;

    long call(int operation, std::uint32_t value) {
        return ::syscall(SYS_futex, &word_, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr,
                         FUTEX_BITSET_MATCH_ANY);
    }
    void wake(std::uint32_t what) {
        if (word_.exchange(what) == parked) call(FUTEX_WAKE, 1);
    }
    void sleep() {
        for (;;) {
            word_.store(parked);
            while (word_.load() == parked) call(FUTEX_WAIT_BITSET, parked);
            if (word_.exchange(empty) == over) return;
            watch_.stop();
        }
    }

    std::atomic<std::uint32_t> word_ = empty;
    stopwatch watch_;
    std::thread sleeper_{[this] { sleep(); }};
};

class sleeping_worker {
public:
    explicit sleeping_worker(unsigned workers)
        : runtime_([&] {
              pollux::runtime_options options;
              options.workers = workers;
              return options;
          }()) {
        runtime_
            .spawn(pollux::poll_fn([this](pollux::context& cx) -> pollux::polled<> {
                if (waker_)
                    watch_.stop();
                else
                    waker_ = cx.waker();
                return pollux::pending;
            }))
            .detach();
        spin_until([&] { return is_asleep(1); });
    }
    double round() {
        spin_until([&] { return is_asleep(parks_ + 1); });
        let_it_fall_asleep();
        parks_ = runtime_.metrics().parks;
        watch_.start = steady::now();
        waker_.wake();
        return watch_.wait_for_stop();
    }

private:
    bool is_asleep(std::uint64_t parks) const {
        const auto metrics = runtime_.metrics();
        return metrics.polls != 0 && metrics.parks >= parks;
    }

    pollux::waker waker_;  // written by the first poll, before the worker sleeps
    stopwatch watch_;
    std::uint64_t parks_ = 0;
    pollux::runtime runtime_;
};

double median(std::vector<double> values) {
    std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    bench::take_heuristics(argc, argv);
    const bench::arguments arguments(argc, argv, 2000);
    bare_futex bare;
    sleeping_worker worker(arguments.workers);
    std::vector<double> of_bare, of_worker, ratios;
    for (std::size_t i = 0; i != arguments.size; ++i) {
        // Each goes first in every other round.
        const double first = i % 2 == 0 ? bare.round() : worker.round();
        const double second = i % 2 == 0 ? worker.round() : bare.round();
        of_bare.push_back(i % 2 == 0 ? first : second);
        of_worker.push_back(i % 2 == 0 ? second : first);
        ratios.push_back(of_worker.back() / of_bare.back());
    }
    bench::report("bare_ns", median(of_bare));
    bench::report("worker_ns", median(of_worker));
    bench::report("ratio", median(ratios));
}
