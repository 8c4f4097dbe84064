// SPDX-License-Identifier: MIT
// fib with std::async, a thread for each call but the last: N is small, as thousands of threads wait at once, and the number of workers is
// the system's choice. ns a call are what to compare.
#include <cstdint>
#include <future>

#include "fib_calls.hpp"
#include "measure.hpp"

namespace {

std::uint64_t fib(std::uint64_t n) {
    if (n < 2) return n;
    auto left = std::async(std::launch::async, fib, n - 1);
    const std::uint64_t right = fib(n - 2);
    return left.get() + right;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments given(argc, argv, 14);
    const auto result = bench::measure(bench::fib_calls(given.size), [&] { return fib(given.size); });
    return given.size == 14 && result != 377 ? 1 : 0;
}
