// SPDX-License-Identifier: MIT
// fib(N) with a fork at each call, budget, cancellation and metrics on: what forking costs when the work is nothing. Against
// oneTBB's task_group (peers/fib_tbb.cpp) in ns a call, and in instructions by callgrind (slope between two N).
// It does not show steals of real work: with two workers most calls still run where they were forked.
#include <cstdint>

#include "fib_calls.hpp"
#include "pollux/runtime.hpp"
#include "program.hpp"

namespace {

pollux::task<std::uint64_t> fib(std::uint64_t n) {
    if (n < 2) co_return n;
    auto [left, right] = co_await pollux::fork_join(fib(n - 1), fib(n - 2));
    co_return left + right;
}

}  // namespace

int main(int argc, char** argv) {
    bench::program program(argc, argv, 34);
    program.on_worker(fib(20));
    const auto result =
        bench::measure(bench::fib_calls(program.size()), [&] { return program.on_worker(fib(program.size())); });
    return program.size() == 34 && result != 5'702'887 ? 1 : 0;
}
