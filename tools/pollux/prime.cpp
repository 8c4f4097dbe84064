// SPDX-License-Identifier: MIT
// The test of Miller and Rabin with fixed bases.

#include "prime.hpp"

#include <array>
#include <bit>

namespace pollux_tool {

namespace {

// No composite below 3.18e23 is a strong pseudoprime to all of these: Sorenson and Webster, "Strong pseudoprimes to
// twelve prime bases" (2015). So 64 bits are covered without chance.
constexpr std::array<std::uint64_t, 12> bases = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};

__extension__ typedef unsigned __int128 wide;

std::uint64_t times(std::uint64_t a, std::uint64_t b, std::uint64_t n) {
    return static_cast<std::uint64_t>(wide{a} * b % n);
}

std::uint64_t power(std::uint64_t a, std::uint64_t exponent, std::uint64_t n) {
    std::uint64_t out = 1;
    for (a %= n; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0) out = times(out, a, n);
        a = times(a, a, n);
    }
    return out;
}

// `n` is odd, above all bases and no multiple of one.
bool passes(std::uint64_t n, std::uint64_t base) {
    const int twos = std::countr_zero(n - 1);
    auto x = power(base, (n - 1) >> twos, n);
    if (x == 1 || x == n - 1) return true;
    for (int i = 1; i < twos; ++i) {
        x = times(x, x, n);
        if (x == n - 1) return true;
    }
    return false;
}

}  // namespace

bool is_prime(std::uint64_t n) {
    if (n < 2) return false;
    for (const auto base : bases) {
        if (n % base == 0) return n == base;
    }
    for (const auto base : bases) {
        if (!passes(n, base)) return false;
    }
    return true;
}

}  // namespace pollux_tool
