// SPDX-License-Identifier: MIT
// A tree of 10^N leaves, ten children a node, whose leaves are numbered and summed up: what a fork of many small children costs, in ns
// a node. Against oneTBB's task_group (peers/skynet_tbb.cpp). It does not show unequal work: each child is as large as its siblings.
#include <cstdint>

#include "pollux/runtime.hpp"
#include "program.hpp"
#include "skynet_tree.hpp"

namespace {

pollux::task<std::uint64_t> skynet(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) co_return first;
    const std::uint64_t n = leaves / bench::skynet_children;
    auto [a, b, c, d, e, f, g, h, i, j] = co_await pollux::fork_join(
        skynet(first, n), skynet(first + n, n), skynet(first + 2 * n, n), skynet(first + 3 * n, n),
        skynet(first + 4 * n, n), skynet(first + 5 * n, n), skynet(first + 6 * n, n), skynet(first + 7 * n, n),
        skynet(first + 8 * n, n), skynet(first + 9 * n, n));
    co_return a + b + c + d + e + f + g + h + i + j;
}

}  // namespace

int main(int argc, char** argv) {
    bench::program program(argc, argv, 8);
    program.on_worker(skynet(0, 1'000));
    const std::uint64_t leaves = bench::skynet_leaves(program.size());
    const auto sum =
        bench::measure(bench::skynet_nodes(program.size()), [&] { return program.on_worker(skynet(0, leaves)); });
    return sum == bench::skynet_sum(program.size()) ? 0 : 1;
}
