// SPDX-License-Identifier: MIT
// A runtime of 16 workers under a workload that uses all of it, with threads that give their CPU away, or stop for a while, at random at
// the scheduler's yield points; foreign threads spawn, wake, abort and drop beside it, and now and then the runtime ends in the middle.
// Each round starts with a new runtime, and afterwards nothing may be left.
//
//   random_yields [SECONDS [SEED]]    60 seconds if not said; POLLUX_STRESS_SECONDS takes their place
//
// Prints the seed of a round that fails. A seed says what is done and where threads stop, not in which order they come to it. A round that
// does not end prints the state of every worker and task and fails.
#include <sched.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <source_location>
#include <thread>
#include <utility>
#include <vector>

#include "core/platform.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "scheduler/runtime_core.hpp"
#include "support/manual_event.hpp"
#include "support/tracked.hpp"
#include "support/workload.hpp"

namespace {

namespace detail = pollux::v0::detail;
using pollux::task;
using pollux::test::manual_event;
using pollux::test::mixed;
using pollux::test::tracked;
using pollux::test::workload;
using pollux::test::workload_ledger;
using steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

// Many times what a round takes with all sanitizers and another program on the machine.
constexpr auto longest_round = 180s;

class random_yields final : public detail::platform {
public:
    void yield_point(const char*) noexcept override {
        state_ = mixed(state_);
        if (state_ % 64 == 0)
            std::this_thread::sleep_for(std::chrono::microseconds(state_ / 64 % 100));
        else if (state_ % 4 == 0)
            ::sched_yield();
    }
    void seed(std::uint64_t with) noexcept { state_ = mixed(with); }

private:
    std::uint64_t state_ = 0;
};

void yield_from_now_on(std::uint64_t seed) {
    static std::atomic<std::uint64_t> threads = 0;
    static thread_local random_yields mine;
    mine.seed(seed + threads.fetch_add(1));
    detail::current_platform = &mine;
}

// A runtime whose inside can be looked at.
class stressed_runtime {
public:
    explicit stressed_runtime(std::uint64_t seed) : core_(make(seed)) {}
    stressed_runtime(const stressed_runtime&) = delete;
    stressed_runtime& operator=(const stressed_runtime&) = delete;
    ~stressed_runtime() {
        core_.end();
        core_.drop_owner();
    }

    template <class F>
    auto spawn(F&& work) {
        return detail::spawn_on(detail::spawn_target(core_), std::forward<F>(work), std::source_location::current());
    }
    template <class F>
    auto block_on(F& fut) {
        return detail::block_on_in(core_, fut);
    }
    detail::runtime_core& core() noexcept { return core_; }

private:
    static detail::runtime_core& make(std::uint64_t seed) {
        pollux::runtime_options options;
        options.workers = 16;
        options.cpu_slots = 2;
        options.max_offloaded = 8;
        options.max_blocking_threads = 16;
        options.seed = seed | 1;
        options.on_thread_start = [seed] { yield_from_now_on(seed); };
        options.on_long_poll = [](const pollux::long_poll&) {};  // no news here
        return detail::runtime_core::make(std::move(options), detail::runtime_core::flavour::threads);
    }

    detail::runtime_core& core_;
};

// Ends the process with the state of the runtime if a round takes too long.
class hang_watch {
public:
    hang_watch(detail::runtime_core& core, std::uint64_t seed)
        : watcher_([this, &core, seed] {
              std::unique_lock guard(lock_);
              if (over_.wait_for(guard, longest_round, [this] { return is_over_; })) return;
              std::printf("random_yields: seed %llu: a round hangs\n%s", static_cast<unsigned long long>(seed),
                          core.describe().c_str());
              std::fflush(stdout);
              std::abort();
          }) {}
    hang_watch(const hang_watch&) = delete;
    hang_watch& operator=(const hang_watch&) = delete;
    ~hang_watch() {
        {
            const std::lock_guard guard(lock_);
            is_over_ = true;
        }
        over_.notify_one();
        watcher_.join();
    }

private:
    std::mutex lock_;
    std::condition_variable over_;
    bool is_over_ = false;
    std::thread watcher_;
};

task<> waits(workload_ledger& ledger, manual_event event) {
    const tracked local(ledger.alive);
    auto fut = event.wait();
    co_await fut;
    co_await pollux::yield_now();
}

// Spawns tasks that wait, and wakes, aborts, awaits or leaves each of them.
void disturb(stressed_runtime& rt, workload_ledger& ledger, std::uint64_t seed, const std::atomic<bool>& is_over) {
    yield_from_now_on(seed);
    for (std::uint64_t i = 0; !is_over.load(); ++i) {
        manual_event event;
        auto handle = rt.spawn(waits(ledger, event));
        const std::uint64_t choice = mixed(seed + i);
        if (choice % 2 == 0) detail::yield_point("a foreign thread between spawn and wake");
        if (choice % 8 == 0) handle.abort();
        event.set();
        if (choice % 4 != 1) continue;
        try {
            rt.block_on(handle);
        } catch (const pollux::task_cancelled&) {
            ++ledger.cancelled;
        }
    }
    detail::current_platform = nullptr;
}

bool run_round(std::uint64_t seed) {
    workload_ledger ledger;
    {
        stressed_runtime rt(seed);
        const hang_watch watch(rt.core(), seed);
        std::atomic<bool> is_over = false;
        std::vector<std::thread> foreign;
        for (std::uint64_t i = 0; i != 2; ++i)
            foreign.emplace_back([&, i] { disturb(rt, ledger, mixed(seed + i), is_over); });
        auto all = rt.spawn(workload(ledger, seed, 24, 4));
        if (mixed(seed) % 4 == 0) {
            std::this_thread::sleep_for(std::chrono::microseconds(mixed(seed + 1) % 5000));
            rt.core().shutdown(1h);
        } else {
            rt.block_on(all);
        }
        is_over = true;
        for (auto& each : foreign) each.join();
        rt.core().shutdown(1h);
    }
    if (ledger.is_clean()) return true;
    std::printf("random_yields: seed %llu: left alive %d, polled at once %d, polled late %d, wrong results %d\n",
                static_cast<unsigned long long>(seed), ledger.alive.load(), ledger.polled_at_once.load(),
                ledger.polled_late.load(), ledger.wrong_results.load());
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    const char* const from_environment = std::getenv("POLLUX_STRESS_SECONDS");
    const char* const seconds = from_environment != nullptr ? from_environment : argc > 1 ? argv[1] : "60";
    const auto end = steady::now() + std::chrono::seconds(std::atoi(seconds));
    std::uint64_t seed = argc > 2
                             ? std::strtoull(argv[2], nullptr, 10)
                             : static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    std::uint64_t rounds = 0;
    do {
        if (!run_round(seed)) return 1;
        seed = mixed(seed);
        ++rounds;
    } while (steady::now() < end);
    std::printf("random_yields: %llu rounds\n", static_cast<unsigned long long>(rounds));
}
