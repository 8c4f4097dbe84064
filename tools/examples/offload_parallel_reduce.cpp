// SPDX-License-Identifier: MIT
// A job of offload() that is parallel itself: inside it, TBB's algorithms use the runtime's own arena.
//
// The tasks' workers are not touched by it: while the reduction keeps the CPU pool busy, the coroutine waits as for anything
// else. The program links oneTBB itself because it calls it; Pollux does not put TBB into its headers.
//
// What a job returns becomes the value of its future. Returning a std::expected makes a future that can fail: errors.cpp.
//
// Next: fork_join.cpp splits work among the tasks' own workers instead.
//
// Prints:
//   sum of the squares below 2000000: 2666664666667000000
#include <cstdint>
#include <functional>
#include <iostream>
#include <pollux/offload.hpp>
#include <pollux/runtime.hpp>

#include <tbb/blocked_range.h>
#include <tbb/parallel_reduce.h>

namespace {

std::uint64_t sum_of_squares(std::uint64_t below) {
    using range = tbb::blocked_range<std::uint64_t>;
    return tbb::parallel_reduce(
        range(0, below), std::uint64_t{0},
        [](const range& part, std::uint64_t sum) {
            for (std::uint64_t i = part.begin(); i != part.end(); ++i) sum += i * i;
            return sum;
        },
        std::plus<std::uint64_t>());
}

}  // namespace

int main() {
    constexpr std::uint64_t below = 2'000'000;
    const std::uint64_t sum = pollux::run(pollux::offload([] { return sum_of_squares(below); }));
    std::cout << "sum of the squares below " << below << ": " << sum << '\n';
}
