// SPDX-License-Identifier: MIT
// fib and skynet as a user of Boost.Fiber writes them, under its work_stealing scheduler: SCENARIO WORKERS N. A fiber for each child but
// the last, with a stack of 16 KiB; so N is far smaller than elsewhere, and ns an operation are what to compare.
#include <boost/fiber/all.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "fib_calls.hpp"
#include "measure.hpp"
#include "skynet_tree.hpp"

namespace {

namespace fibers = boost::fibers;

// Not the pooled allocator: stacks are freed on whatever thread the fiber ends.
template <class Fn>
fibers::fiber start(Fn&& fn) {
    return fibers::fiber(fibers::launch::dispatch, std::allocator_arg, fibers::fixedsize_stack(std::size_t{16} * 1024),
                         std::forward<Fn>(fn));
}

std::uint64_t fib(std::uint64_t n) {
    if (n < 2) return n;
    std::uint64_t left = 0;
    fibers::fiber child = start([&left, n] { left = fib(n - 1); });
    const std::uint64_t right = fib(n - 2);
    child.join();
    return left + right;
}

std::uint64_t skynet(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t n = leaves / bench::skynet_children;
    std::uint64_t parts[bench::skynet_children];
    fibers::fiber children[bench::skynet_children - 1];
    for (std::uint64_t i = 0; i + 1 != bench::skynet_children; ++i)
        children[i] = start([&parts, first, n, i] { parts[i] = skynet(first + i * n, n); });
    parts[bench::skynet_children - 1] = skynet(first + (bench::skynet_children - 1) * n, n);
    for (auto& child : children) child.join();
    std::uint64_t sum = 0;
    for (const std::uint64_t part : parts) sum += part;
    return sum;
}

// On a thread alone the scheduler would look for a victim for ever, so there it is the default one.
template <class Body>
bool with_workers(unsigned workers, Body body) {
    if (workers == 1) return body();
    fibers::mutex mutex;
    fibers::condition_variable finished;
    bool is_done = false;
    std::vector<std::thread> helpers;
    for (unsigned i = 1; i != workers; ++i)
        helpers.emplace_back([&, workers] {
            fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(workers, true);
            std::unique_lock lock(mutex);
            finished.wait(lock, [&] { return is_done; });
        });
    fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(workers, true);
    const bool is_right = body();
    {
        const std::lock_guard lock(mutex);
        is_done = true;
    }
    finished.notify_all();
    for (auto& helper : helpers) helper.join();
    return is_right;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view scenario = argc > 1 ? argv[1] : "";
    if (scenario == "fib") {
        const bench::arguments given(argc - 1, argv + 1, 24);
        const bool is_right = with_workers(given.workers, [&] {
            const auto result = bench::measure(bench::fib_calls(given.size), [&] { return fib(given.size); });
            return given.size != 24 || result == 46'368;
        });
        return is_right ? 0 : 1;
    }
    if (scenario == "skynet") {
        const bench::arguments given(argc - 1, argv + 1, 5);
        const bool is_right = with_workers(given.workers, [&] {
            return bench::measure(bench::skynet_nodes(given.size), [&] {
                       return skynet(0, bench::skynet_leaves(given.size));
                   }) == bench::skynet_sum(given.size);
        });
        return is_right ? 0 : 1;
    }
    std::fprintf(stderr, "usage: %s fib|skynet [WORKERS [N]]\n", argv[0]);
    return 2;
}
