// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace pollux::test {

/// One step of splitmix64: what a node of a random tree does depends on its number only.
constexpr std::uint64_t mixed(std::uint64_t n) noexcept {
    n += 0x9e3779b97f4a7c15;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
    n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
    return n ^ (n >> 31);
}

}  // namespace pollux::test
