// SPDX-License-Identifier: MIT
// The product of two N x N matrices by recursion: four quarters of the result at a time, twice, down to blocks of 32. Work that is large
// beside its forks, so it shows whether forks get in the way and whether idle workers are found; what a fork costs it does not show. In
// ns a multiplication; against oneTBB's task_group and parallel_for (peers/matmul_tbb.cpp).
#include <cstddef>

#include "matmul_blocks.hpp"
#include "pollux/runtime.hpp"
#include "program.hpp"

namespace {

using bench::square;

pollux::task<> multiply(square to, square left, square right, std::size_t side) {
    if (side == bench::matmul_block) {
        bench::multiply_block(to, left, right);
        co_return;
    }
    const std::size_t half = side / 2;
    for (const std::size_t k : {std::size_t{0}, half})
        co_await pollux::fork_join(multiply(to.part(0, 0), left.part(0, k), right.part(k, 0), half),
                                   multiply(to.part(0, half), left.part(0, k), right.part(k, half), half),
                                   multiply(to.part(half, 0), left.part(half, k), right.part(k, 0), half),
                                   multiply(to.part(half, half), left.part(half, k), right.part(k, half), half));
}

}  // namespace

int main(int argc, char** argv) {
    bench::program program(argc, argv, 2048);
    bench::matmul_matrices matrices(program.size());
    bench::measure(matrices.operations(), [&] {
        program.on_worker(multiply(matrices.to(), matrices.left(), matrices.right(), program.size()));
        return 0;
    });
    return matrices.is_right() ? 0 : 1;
}
