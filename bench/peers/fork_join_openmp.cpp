// SPDX-License-Identifier: MIT
// The fork-join scenarios as a user of OpenMP writes them with tasks: SCENARIO WORKERS N. The last child runs in place, but for nqueens,
// whose last child is not known. The peer of ../fib.cpp, ../skynet.cpp, ../nqueens.cpp and ../matmul.cpp.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "fib_calls.hpp"
#include "matmul_blocks.hpp"
#include "measure.hpp"
#include "nqueens_board.hpp"
#include "skynet_tree.hpp"

namespace {

using bench::square;

std::uint64_t fib(std::uint64_t n) {
    if (n < 2) return n;
    std::uint64_t left = 0;
#pragma omp task shared(left) firstprivate(n)
    left = fib(n - 1);
    const std::uint64_t right = fib(n - 2);
#pragma omp taskwait
    return left + right;
}

std::uint64_t skynet(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t n = leaves / bench::skynet_children;
    std::uint64_t parts[bench::skynet_children];
    for (std::uint64_t i = 0; i + 1 != bench::skynet_children; ++i) {
#pragma omp task shared(parts) firstprivate(first, n, i)
        parts[i] = skynet(first + i * n, n);
    }
    parts[bench::skynet_children - 1] = skynet(first + (bench::skynet_children - 1) * n, n);
#pragma omp taskwait
    std::uint64_t sum = 0;
    for (const std::uint64_t part : parts) sum += part;
    return sum;
}

std::uint64_t solutions(const bench::board& placed, std::size_t row, std::size_t n) {
    if (row == n) return 1;
    std::uint64_t parts[bench::most_queens];
    std::size_t tried = 0;
    for (std::size_t column = 0; column != n; ++column) {
        if (!placed.is_safe(row, column)) continue;
        std::uint64_t* const part = &parts[tried++];
        const bench::board next = placed.with(row, column);
#pragma omp task firstprivate(part, next, row, n)
        *part = solutions(next, row + 1, n);
    }
#pragma omp taskwait
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i != tried; ++i) sum += parts[i];
    return sum;
}

void multiply(square to, square left, square right, std::size_t side) {
    if (side == bench::matmul_block) return bench::multiply_block(to, left, right);
    const std::size_t half = side / 2;
    for (const std::size_t k : {std::size_t{0}, half}) {
#pragma omp task firstprivate(to, left, right, half, k)
        multiply(to.part(0, 0), left.part(0, k), right.part(k, 0), half);
#pragma omp task firstprivate(to, left, right, half, k)
        multiply(to.part(0, half), left.part(0, k), right.part(k, half), half);
#pragma omp task firstprivate(to, left, right, half, k)
        multiply(to.part(half, 0), left.part(half, k), right.part(k, 0), half);
        multiply(to.part(half, half), left.part(half, k), right.part(k, half), half);
#pragma omp taskwait
    }
}

// The result of `body`, run by one of the team's threads; the others take its tasks.
template <class Body>
std::uint64_t measured(const bench::arguments& given, std::size_t operations, Body body) {
    std::uint64_t result = 0;
#pragma omp parallel num_threads(given.workers)
#pragma omp single
    {
        fib(16);
        result = bench::measure(operations, body);
    }
    return result;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view scenario = argc > 1 ? argv[1] : "";
    if (scenario == "fib") {
        const bench::arguments given(argc - 1, argv + 1, 34);
        const auto result = measured(given, bench::fib_calls(given.size), [&] { return fib(given.size); });
        return given.size == 34 && result != 5'702'887 ? 1 : 0;
    }
    if (scenario == "skynet") {
        const bench::arguments given(argc - 1, argv + 1, 8);
        const auto sum = measured(given, bench::skynet_nodes(given.size),
                                  [&] { return skynet(0, bench::skynet_leaves(given.size)); });
        return sum == bench::skynet_sum(given.size) ? 0 : 1;
    }
    if (scenario == "nqueens") {
        const bench::arguments given(argc - 1, argv + 1, 14);
        const bench::queens_counts expected = bench::nqueens_counts(given.size);
        const auto found = measured(given, expected.placements, [&] { return solutions({}, 0, given.size); });
        return found == expected.solutions ? 0 : 1;
    }
    if (scenario == "matmul") {
        const bench::arguments given(argc - 1, argv + 1, 2048);
        bench::matmul_matrices matrices(given.size);
        measured(given, matrices.operations(), [&] {
            multiply(matrices.to(), matrices.left(), matrices.right(), given.size);
            return std::uint64_t{0};
        });
        return matrices.is_right() ? 0 : 1;
    }
    std::fprintf(stderr, "usage: %s fib|skynet|nqueens|matmul [WORKERS [N]]\n", argv[0]);
    return 2;
}
