// SPDX-License-Identifier: MIT
// All solutions of N queens, a task for each placement that is safe: a tree of unequal branches whose tasks do a little work each,
// with children whose number is known at run time (fork_all). In ns a placement; against oneTBB's task_group (peers/nqueens_tbb.cpp).
// It does not show what forking costs alone: looking for safe columns takes a good part of the time.
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <utility>

#include "nqueens_board.hpp"
#include "pollux/runtime.hpp"
#include "program.hpp"

namespace {

pollux::task<std::uint64_t> solutions(bench::board placed, std::size_t row, std::size_t n) {
    if (row == n) co_return 1;
    auto next =
        std::views::iota(std::size_t{0}, n) |
        std::views::filter([&](std::size_t column) { return placed.is_safe(row, column); }) |
        std::views::transform([&](std::size_t column) { return solutions(placed.with(row, column), row + 1, n); });
    std::uint64_t sum = 0;
    const auto parts = co_await pollux::fork_all(std::move(next));
    for (const std::uint64_t part : parts) sum += part;
    co_return sum;
}

}  // namespace

int main(int argc, char** argv) {
    bench::program program(argc, argv, 14);
    const bench::queens_counts expected = bench::nqueens_counts(program.size());
    program.on_worker(solutions({}, 0, 8));
    const auto found =
        bench::measure(expected.placements, [&] { return program.on_worker(solutions({}, 0, program.size())); });
    return found == expected.solutions ? 0 : 1;
}
