// SPDX-License-Identifier: MIT
// The memory of N tasks that wait: `pending plain|oneshot|notify|coroutine|coroutine_oneshot [WORKERS [N]]`, resident bytes a task once
// each has been polled, and the ns until then.
//
// plain: for nothing, so the task alone. oneshot: for the receiver of a channel of its own, with the channel and its kept sender. notify:
// for a notification that all of them share. These spawn the future itself; with `coroutine` a coroutine awaits it, and has a frame
// besides. Against Tokio's, whose coroutines are plain values. It does not show what the kernel holds, nor how much of the memory comes back.
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "heuristics.hpp"
#include "measure.hpp"
#include "pollux/future.hpp"
#include "pollux/runtime.hpp"
#include "pollux/sync.hpp"

namespace {

namespace oneshot = pollux::sync::oneshot;

// The tasks that are still to be polled, and who waits for the last one. Not in a frame: it would be larger than what is measured.
constinit std::atomic<std::size_t> unpolled{0};
pollux::sync::notify all_wait;

void count_poll() {
    if (unpolled.fetch_sub(1, std::memory_order::relaxed) == 1) all_wait.notify_one();  // relaxed: a count
}

double resident_bytes() {
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr) return 0;
    unsigned long pages = 0;
    if (std::fscanf(file, "%*u %lu", &pages) != 1) pages = 0;
    std::fclose(file);
    return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// None of them is polled twice.
template <class F>
auto counted(F fut) {
    return pollux::poll_fn([waiting = std::move(fut)](pollux::context& cx) mutable {
        count_poll();
        return waiting.poll(cx);
    });
}

template <class F>
pollux::task<> awaits(F fut) {
    co_await counted(std::move(fut));
}

auto never_ready() {
    return pollux::poll_fn([](pollux::context&) -> pollux::polled<> { return pollux::pending; });
}

// What the tasks wait for.
struct plain {
    explicit plain(std::size_t) {}
    auto one() { return never_ready(); }
};

struct of_oneshot {
    std::vector<oneshot::sender<int>> senders;

    explicit of_oneshot(std::size_t n) { senders.reserve(n); }
    auto one() {
        auto [tx, rx] = oneshot::channel<int>();
        senders.push_back(std::move(tx));
        return std::move(rx);
    }
};

struct of_notify {
    pollux::sync::notify shared;

    explicit of_notify(std::size_t) {}
    auto one() { return shared.notified(); }
};

// After so many a task yields: a poll for all of them would be one that holds up its worker, with what is done about that.
constexpr std::size_t batch = 1'000;

template <bool InCoroutine, class Kind>
pollux::task<std::size_t> spawn_all(Kind& kind, std::size_t n) {
    for (std::size_t i = 0; i != n; ++i) {
        if constexpr (InCoroutine)
            pollux::spawn(awaits(kind.one())).detach();
        else
            pollux::spawn(counted(kind.one())).detach();
        if (i % batch == batch - 1) co_await pollux::yield_now();
    }
    co_await all_wait.notified();
    co_return n;
}

template <class Kind, bool InCoroutine = false>
int report_on(const bench::arguments& arguments) {
    const std::size_t n = arguments.size;
    unpolled.store(n, std::memory_order::relaxed);  // before the tasks are there
    Kind kind(n);
    pollux::runtime_options options;
    options.workers = arguments.workers;
    pollux::runtime runtime(options);
    runtime.block_on(runtime.spawn([]() -> pollux::task<> { co_await pollux::yield_now(); }));
    const double before = resident_bytes();
    const auto spawned =
        bench::measure(n, [&] { return runtime.block_on(runtime.spawn(spawn_all<InCoroutine>(kind, n))); });
    bench::report("bytes_per_task", (resident_bytes() - before) / static_cast<double>(n));
    return spawned == n ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    bench::take_heuristics(argc, argv);
    const std::string_view scenario = argc > 1 ? argv[1] : "";
    const bench::arguments arguments(argc - 1, argv + 1, 1'000'000);
    if (scenario == "plain") return report_on<plain>(arguments);
    if (scenario == "oneshot") return report_on<of_oneshot>(arguments);
    if (scenario == "notify") return report_on<of_notify>(arguments);
    if (scenario == "coroutine") return report_on<plain, true>(arguments);
    if (scenario == "coroutine_oneshot") return report_on<of_oneshot, true>(arguments);
    std::fprintf(stderr, "usage: %s plain|oneshot|notify|coroutine|coroutine_oneshot [WORKERS [N]]\n", argv[0]);
    return 2;
}
