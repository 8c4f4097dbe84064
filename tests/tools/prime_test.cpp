// SPDX-License-Identifier: MIT
// Primes against a sieve, and the composites that a test with fewer bases would take for primes.

#include "prime.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

using pollux_tool::is_prime;

TEST_SUITE("tools/prime") {
    TEST_CASE("is_prime: all small numbers as a sieve has them") {
        constexpr std::size_t end = 200'000;
        std::vector<bool> is_composite(end);
        std::size_t wrong = 0;
        for (std::size_t n = 0; n < end; ++n) {
            const bool wanted = n >= 2 && !is_composite[n];
            if (wanted) {
                for (std::size_t multiple = n * n; multiple < end; multiple += n) is_composite[multiple] = true;
            }
            if (is_prime(n) != wanted) ++wrong;
        }
        CHECK(wrong == 0);
    }

    TEST_CASE("is_prime: the least numbers that fool the first bases") {
        // psi(1) to psi(11): the least strong pseudoprime to the first k primes.
        for (const std::uint64_t n : {2047ULL, 1373653ULL, 25326001ULL, 3215031751ULL, 2152302898747ULL,
                                      3474749660383ULL, 341550071728321ULL, 3825123056546413051ULL}) {
            CAPTURE(n);
            CHECK_FALSE(is_prime(n));
        }
    }

    TEST_CASE("is_prime: at the end of 64 bits") {
        CHECK(is_prime(18446744073709551557ULL));  // the largest prime below 2^64
        for (std::uint64_t n = 18446744073709551558ULL; n != 0; ++n) {
            CAPTURE(n);
            CHECK_FALSE(is_prime(n));
        }
        CHECK(is_prime((std::uint64_t{1} << 61) - 1));
        CHECK_FALSE(is_prime(4294967291ULL * 4294967291ULL));  // the square of the largest prime below 2^32
        CHECK_FALSE(is_prime(4294967291ULL * 4294967279ULL));
    }
}
