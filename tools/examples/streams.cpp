// SPDX-License-Identifier: MIT
// A stream gives one item after the other, each when it is ready; futures and streams share their combinators.
//
// iter() makes a stream of a range, map() turns each number into a job for the CPU pool, buffered(4) keeps up to four of
// the jobs going and hands out their results in the order of the numbers, whichever ends first. Nothing runs ahead of what the
// loop asks for beyond those four, so memory stays bounded however long the stream is: `pollux sum` (tools/pollux) reads
// whole file trees with this shape.
//
// Next: echo_threads.cpp is a server without any of this, for comparison.
//
// Prints:
//   1: 1 step
//   7: 17 steps
//   27: 112 steps
//   97: 119 steps
//   871: 179 steps
#include <cstdint>
#include <iostream>
#include <pollux/offload.hpp>
#include <pollux/runtime.hpp>
#include <pollux/stream.hpp>
#include <utility>
#include <vector>

namespace {

// Numbers on the way to 1: halve an even one, triple an odd one and add 1.
std::pair<std::uint64_t, int> collatz(std::uint64_t start) {
    int steps = 1;
    for (std::uint64_t n = start; n != 1; ++steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return {start, steps};
}

pollux::task<> print_all() {
    auto results = pollux::iter(std::vector<std::uint64_t>{1, 7, 27, 97, 871}) |
                   pollux::map([](std::uint64_t n) { return pollux::offload([n] { return collatz(n); }); }) |
                   pollux::buffered(4);
    while (auto item = co_await pollux::next(results)) {
        const auto& [start, steps] = *item;
        std::cout << start << ": " << steps << (steps == 1 ? " step\n" : " steps\n");
    }
}

}  // namespace

int main() { pollux::run(print_all()); }
