// SPDX-License-Identifier: MIT
// nqueens as a user of oneTBB writes it with task_group: a task for each placement that is safe. The peer of ../nqueens.cpp.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <cstddef>
#include <cstdint>

#include "measure.hpp"
#include "nqueens_board.hpp"

namespace {

std::uint64_t solutions(const bench::board& placed, std::size_t row, std::size_t n) {
    if (row == n) return 1;
    std::uint64_t parts[bench::most_queens];
    std::size_t tried = 0;
    oneapi::tbb::task_group group;
    for (std::size_t column = 0; column != n; ++column) {
        if (!placed.is_safe(row, column)) continue;
        group.run(
            [part = &parts[tried++], next = placed.with(row, column), row, n] { *part = solutions(next, row + 1, n); });
    }
    group.wait();
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i != tried; ++i) sum += parts[i];
    return sum;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments given(argc, argv, 14);
    const bench::queens_counts expected = bench::nqueens_counts(given.size);
    const oneapi::tbb::global_control threads(oneapi::tbb::global_control::max_allowed_parallelism, given.workers);
    oneapi::tbb::task_arena arena(static_cast<int>(given.workers));
    const auto found = arena.execute([&] {
        solutions({}, 0, 8);
        return bench::measure(expected.placements, [&] { return solutions({}, 0, given.size); });
    });
    return found == expected.solutions ? 0 : 1;
}
