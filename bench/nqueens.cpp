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

// A parent reads what its children have found in an array of its own, as in the peer's: for children that give nothing back fork_all
// makes no vector.
pollux::task<> count_solutions(bench::board placed, std::size_t row, std::size_t n, std::uint64_t& found) {
    if (row == n) {
        found = 1;
        co_return;
    }
    std::uint64_t parts[bench::most_queens];
    std::size_t tried = 0;
    auto next = std::views::iota(std::size_t{0}, n) |
                std::views::filter([&](std::size_t column) { return placed.is_safe(row, column); }) |
                std::views::transform([&](std::size_t column) {
                    return count_solutions(placed.with(row, column), row + 1, n, parts[tried++]);
                });
    co_await pollux::fork_all(std::move(next));
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i != tried; ++i) sum += parts[i];
    found = sum;
}

pollux::task<std::uint64_t> solutions(std::size_t n) {
    std::uint64_t found = 0;
    co_await count_solutions(bench::board(), 0, n, found);
    co_return found;
}

}  // namespace

int main(int argc, char** argv) {
    bench::program program(argc, argv, 14);
    const bench::queens_counts expected = bench::nqueens_counts(program.size());
    program.on_worker(solutions(8));
    const auto found =
        bench::measure(expected.placements, [&] { return program.on_worker(solutions(program.size())); });
    return found == expected.solutions ? 0 : 1;
}
