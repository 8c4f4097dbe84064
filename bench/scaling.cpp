// SPDX-License-Identifier: MIT
// What workers cost each other, counted, as many of them share the machine's few processors: `scaling SCENARIO WORKERS [N]`. Built over the
// counting `Sync` policy (counting/), of which times say nothing; a design that scales has the same counts for 4 workers and for 64.
//
// fork: fib(N), a fork at each call. spawn: a tree of 2^N tasks that each spawn two and await them. ping_pong: 2^N pairs of tasks that
// await each other. yield: four tasks a worker that yield 2^N times together.
// For 1,000 operations: steals, failed_steals (a thief found something, and another took it), wakes (of sleeping workers), cross_frees (frames
// given back by another thread than the one that made them), shared_writes (to a line that another thread has written last), writes, and
// heavy_fences (membarrier). It does not show what caches make of that, nor plain memory.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <vector>

#include "measure.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/future.hpp"
#include "pollux/runtime.hpp"
#include "pollux/sync.hpp"

namespace pollux::inline v0::detail {

namespace {

constexpr std::size_t places = std::size_t{1} << 20;
std::atomic<std::uint32_t> last_writers[places];

constinit std::mutex tallies_lock;
std::vector<sync_tally*>& tallies() {
    static std::vector<sync_tally*> all;
    return all;
}

sync_tally& new_tally() {
    auto* const made = new sync_tally;
    const std::lock_guard guard(tallies_lock);
    tallies().push_back(made);
    made->thread = static_cast<std::uint32_t>(tallies().size());
    return *made;
}

}  // namespace

sync_tally& this_tally() noexcept {
    thread_local sync_tally& mine = new_tally();
    return mine;
}

std::atomic<std::uint32_t>& last_writer_of(const void* address) noexcept {
    // A line has 64 bytes; the product spreads lines that are powers of two apart.
    return last_writers[reinterpret_cast<std::uintptr_t>(address) / 64 * 0x9e3779b97f4a7c15u >> 44];
}

void std_sync::yield_point(const char* where) noexcept {
    const std::string_view name = where;
    if (name == "run_queue: thief has counted, not yet claimed" || name == "fork_deque: slot read, not yet claimed" ||
        name == "next_slot: thief has looked, not yet taken")
        sync_tally::add(this_tally().steal_attempts);
}

}  // namespace pollux::inline v0::detail

namespace {

using pollux::detail::sync_tally;

std::atomic<std::uint64_t> cross_frees{0};

// In a coroutine's frame: it is destroyed where the frame is given back.
class frame_mark {
public:
    frame_mark() noexcept = default;
    frame_mark(const frame_mark&) = delete;
    frame_mark& operator=(const frame_mark&) = delete;
    ~frame_mark() {
        if (&pollux::detail::this_tally() != made_by_) cross_frees.fetch_add(1, std::memory_order::relaxed);
    }

private:
    const sync_tally* const made_by_ = &pollux::detail::this_tally();
};

pollux::task<std::size_t> fib(std::size_t n) {
    const frame_mark mark;
    if (n < 2) co_return 1;
    auto [left, right] = co_await pollux::fork_join(fib(n - 1), fib(n - 2));
    co_return left + right + 1;
}

pollux::task<std::size_t> tree(std::size_t depth) {
    const frame_mark mark;
    if (depth == 0) co_return 1;
    auto left = pollux::spawn(tree(depth - 1));
    auto right = pollux::spawn(tree(depth - 1));
    const std::size_t below = co_await left;
    co_return below + co_await right + 1;
}

pollux::task<> answers(pollux::sync::oneshot::receiver<int> ping, pollux::sync::oneshot::sender<int> pong) {
    const frame_mark mark;
    const auto got = co_await ping;
    if (got) (void)pong.send(*got);
}
pollux::task<> asks() {
    const frame_mark mark;
    auto [ping, to_answer] = pollux::sync::oneshot::channel<int>();
    auto [pong, answered] = pollux::sync::oneshot::channel<int>();
    pollux::spawn(answers(std::move(to_answer), std::move(pong))).detach();
    (void)ping.send(1);
    const auto got = co_await answered;
    if (!got) std::abort();
}
pollux::task<std::size_t> pairs(std::size_t n) {
    std::vector<pollux::join_handle<>> all;
    all.reserve(n);
    for (std::size_t i = 0; i != n; ++i) {
        all.push_back(pollux::spawn(asks()));
        if (i % 1'000 == 999) co_await pollux::yield_now();
    }
    for (auto& each : all) co_await each;
    co_return n;
}

pollux::task<> yields(std::size_t n) {
    for (std::size_t i = 0; i != n; ++i) co_await pollux::yield_now();
}
pollux::task<std::size_t> yielding(std::size_t tasks, std::size_t n) {
    std::vector<pollux::join_handle<>> all;
    for (std::size_t i = 0; i != tasks; ++i) all.push_back(pollux::spawn(yields(n / tasks)));
    for (auto& each : all) co_await each;
    co_return n / tasks* tasks;
}

struct counts {
    std::uint64_t writes = 0, shared_writes = 0, heavy_fences = 0, steal_attempts = 0, cross_frees = 0;
    pollux::runtime_metrics metrics;
};

counts counts_of(pollux::runtime& runtime) {
    counts sum;
    const std::lock_guard guard(pollux::detail::tallies_lock);
    for (const sync_tally* const each : pollux::detail::tallies()) {
        sum.writes += each->writes.load(std::memory_order::relaxed);
        sum.shared_writes += each->shared_writes.load(std::memory_order::relaxed);
        sum.heavy_fences += each->heavy_fences.load(std::memory_order::relaxed);
        sum.steal_attempts += each->steal_attempts.load(std::memory_order::relaxed);
    }
    sum.cross_frees = cross_frees.load(std::memory_order::relaxed);
    sum.metrics = runtime.metrics();
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view scenario = argc > 1 ? argv[1] : "";
    const bench::arguments arguments(argc - 1, argv + 1, scenario == "fork" ? 30 : 18);
    const std::size_t n = std::size_t{1} << arguments.size;
    pollux::runtime_options options;
    options.workers = arguments.workers;
    // With so many threads a poll may wait long for a lock whose holder waits for a processor.
    options.on_long_poll = [](const pollux::long_poll&) {};
    pollux::runtime runtime(options);
    const auto run = [&]() -> std::size_t {
        if (scenario == "fork") return runtime.block_on(runtime.spawn(fib(arguments.size)));
        if (scenario == "spawn") return runtime.block_on(runtime.spawn(tree(arguments.size)));
        if (scenario == "ping_pong") return runtime.block_on(runtime.spawn(pairs(n)));
        if (scenario == "yield") return runtime.block_on(runtime.spawn(yielding(4 * arguments.workers, n)));
        std::fprintf(stderr, "usage: %s fork|spawn|ping_pong|yield [WORKERS [N]]\n", argv[0]);
        std::exit(2);
    };
    run();
    const counts before = counts_of(runtime);
    const std::size_t operations = run();
    const counts after = counts_of(runtime);
    const auto report = [&](const char* name, std::uint64_t from, std::uint64_t to) {
        bench::report(name, 1'000 * static_cast<double>(to - from) / static_cast<double>(operations));
    };
    bench::report("operations", static_cast<double>(operations));
    report("steals", before.metrics.steals, after.metrics.steals);
    report("failed_steals", before.steal_attempts - before.metrics.steals, after.steal_attempts - after.metrics.steals);
    report("wakes", before.metrics.wakes, after.metrics.wakes);
    report("cross_frees", before.cross_frees, after.cross_frees);
    report("shared_writes", before.shared_writes, after.shared_writes);
    report("writes", before.writes, after.writes);
    report("heavy_fences", before.heavy_fences, after.heavy_fences);
}
