// SPDX-License-Identifier: MIT
// Whether a number is prime: what `pollux serve` computes on its CPU pool. Pure, any thread.

#pragma once

#include <cstdint>

namespace pollux_tool {

/// Of any 64-bit number, never wrong, in at most some 20 us.
bool is_prime(std::uint64_t n);

}  // namespace pollux_tool
