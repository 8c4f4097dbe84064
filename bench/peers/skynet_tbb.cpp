// SPDX-License-Identifier: MIT
// skynet as a user of oneTBB writes it with task_group: a task for each child but the last, which runs in place. The peer of
// ../skynet.cpp.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <cstdint>

#include "measure.hpp"
#include "skynet_tree.hpp"

namespace {

std::uint64_t skynet(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t n = leaves / bench::skynet_children;
    std::uint64_t parts[bench::skynet_children];
    oneapi::tbb::task_group group;
    for (std::uint64_t i = 0; i + 1 != bench::skynet_children; ++i)
        group.run([&parts, first, n, i] { parts[i] = skynet(first + i * n, n); });
    parts[bench::skynet_children - 1] = skynet(first + (bench::skynet_children - 1) * n, n);
    group.wait();
    std::uint64_t sum = 0;
    for (const std::uint64_t part : parts) sum += part;
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments given(argc, argv, 8);
    const oneapi::tbb::global_control threads(oneapi::tbb::global_control::max_allowed_parallelism, given.workers);
    oneapi::tbb::task_arena arena(static_cast<int>(given.workers));
    const std::uint64_t leaves = bench::skynet_leaves(given.size);
    const auto sum = arena.execute([&] {
        skynet(0, 1'000);
        return bench::measure(bench::skynet_nodes(given.size), [&] { return skynet(0, leaves); });
    });
    return sum == bench::skynet_sum(given.size) ? 0 : 1;
}
