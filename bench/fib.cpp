// SPDX-License-Identifier: MIT
// fib(N) with a fork at each call, budget, cancellation and metrics on: what forking costs when the work is nothing. Against
// oneTBB's task_group (peers/fib_tbb.cpp) in ns a call, and in instructions by callgrind (slope between two N).
// It does not show steals of real work: with two workers most calls still run where they were forked.
#include <cstdint>

#include "fib_calls.hpp"
#include "heuristics.hpp"
#include "measure.hpp"
#include "pollux/runtime.hpp"

namespace {

pollux::task<std::uint64_t> fib(std::uint64_t n) {
    if (n < 2) co_return n;
    auto [left, right] = co_await pollux::fork_join(fib(n - 1), fib(n - 2));
    co_return left + right;
}

}  // namespace

int main(int argc, char** argv) {
    bench::take_heuristics(argc, argv);
    const bench::arguments arguments(argc, argv, 34);
    pollux::runtime_options options;
    options.workers = arguments.workers;
    pollux::runtime runtime(options);
    runtime.block_on(runtime.spawn(fib(20)));
    const auto result = bench::measure(bench::fib_calls(arguments.size),
                                       [&] { return runtime.block_on(runtime.spawn(fib(arguments.size))); });
    return arguments.size == 34 && result != 5'702'887 ? 1 : 0;
}
