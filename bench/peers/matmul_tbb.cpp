// SPDX-License-Identifier: MIT
// matmul as users of oneTBB write it: `task_group` recurses as ../matmul.cpp does, `parallel_for` gives each block of the result to a task.
#include <oneapi/tbb/blocked_range2d.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <cstddef>
#include <cstdio>
#include <cstring>

#include "matmul_blocks.hpp"
#include "measure.hpp"

namespace {

using bench::matmul_block;
using bench::square;

void multiply_by_groups(square to, square left, square right, std::size_t side) {
    if (side == matmul_block) return bench::multiply_block(to, left, right);
    const std::size_t half = side / 2;
    for (const std::size_t k : {std::size_t{0}, half}) {
        oneapi::tbb::task_group group;
        group.run([=] { multiply_by_groups(to.part(0, 0), left.part(0, k), right.part(k, 0), half); });
        group.run([=] { multiply_by_groups(to.part(0, half), left.part(0, k), right.part(k, half), half); });
        group.run([=] { multiply_by_groups(to.part(half, 0), left.part(half, k), right.part(k, 0), half); });
        multiply_by_groups(to.part(half, half), left.part(half, k), right.part(k, half), half);
        group.wait();
    }
}

void multiply_by_blocks(square to, square left, square right, std::size_t side) {
    const std::size_t blocks = side / matmul_block;
    using range = oneapi::tbb::blocked_range2d<std::size_t>;
    oneapi::tbb::parallel_for(range(0, blocks, 0, blocks), [=](const range& mine) {
        for (std::size_t row = mine.rows().begin(); row != mine.rows().end(); ++row)
            for (std::size_t k = 0; k != side; k += matmul_block)
                for (std::size_t column = mine.cols().begin(); column != mine.cols().end(); ++column)
                    bench::multiply_block(to.part(row * matmul_block, column * matmul_block),
                                          left.part(row * matmul_block, k), right.part(k, column * matmul_block));
    });
}

}  // namespace

int main(int argc, char** argv) {
    const char* const how = argc > 1 ? argv[1] : "";
    const bool by_groups = std::strcmp(how, "task_group") == 0;
    if (!by_groups && std::strcmp(how, "parallel_for") != 0) {
        std::fprintf(stderr, "usage: %s task_group|parallel_for [WORKERS [N]]\n", argv[0]);
        return 2;
    }
    const bench::arguments given(argc - 1, argv + 1, 2048);
    bench::matmul_matrices matrices(given.size);
    const oneapi::tbb::global_control threads(oneapi::tbb::global_control::max_allowed_parallelism, given.workers);
    oneapi::tbb::task_arena arena(static_cast<int>(given.workers));
    arena.execute([&] {
        bench::measure(matrices.operations(), [&] {
            (by_groups ? multiply_by_groups : multiply_by_blocks)(matrices.to(), matrices.left(), matrices.right(),
                                                                  given.size);
            return 0;
        });
    });
    return matrices.is_right() ? 0 : 1;
}
