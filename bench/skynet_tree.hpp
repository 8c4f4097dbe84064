// SPDX-License-Identifier: MIT
// The size of the tree that skynet walks, for ours and for its peers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bench {

// N is the depth: 10^N leaves.
inline constexpr std::uint64_t skynet_children = 10;

constexpr std::uint64_t skynet_leaves(std::size_t depth) {
    std::uint64_t leaves = 1;
    for (std::size_t i = 0; i != depth; ++i) leaves *= skynet_children;
    return leaves;
}

/// All nodes, the root and the leaves included.
constexpr std::size_t skynet_nodes(std::size_t depth) {
    return (skynet_leaves(depth) * skynet_children - 1) / (skynet_children - 1);
}

/// What the leaves' numbers sum up to.
constexpr std::uint64_t skynet_sum(std::size_t depth) {
    const std::uint64_t leaves = skynet_leaves(depth);
    return leaves * (leaves - 1) / 2;
}

}  // namespace bench
