// SPDX-License-Identifier: MIT
// The matrices of matmul, for ours and for its peers: where they stand, the product of two small blocks, and whether the result is right.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace bench {

// The side of a block that is multiplied in one go: three of them fit into the nearest cache.
inline constexpr std::size_t matmul_block = 32;

/// A square part of a matrix.
struct square {
    float* first;
    std::size_t stride;

    square part(std::size_t row, std::size_t column) const { return {first + row * stride + column, stride}; }
    float& at(std::size_t row, std::size_t column) const { return first[row * stride + column]; }
};

/// to += left * right, of blocks. Aligned, so that where a linker puts it does not decide between programs.
[[gnu::noinline, gnu::aligned(64)]] inline void multiply_block(square to, square left, square right) {
    for (std::size_t i = 0; i != matmul_block; ++i)
        for (std::size_t k = 0; k != matmul_block; ++k) {
            const float factor = left.at(i, k);
            const float* const from = &right.at(k, 0);
            float* const into = &to.at(i, 0);
            for (std::size_t j = 0; j != matmul_block; ++j) into[j] += factor * from[j];
        }
}

// Small whole numbers, so that each sum is exact in whatever order it is added up.
class matmul_matrices {
public:
    explicit matmul_matrices(std::size_t side)
        : side_(side), left_(side * side), right_(side * side), to_(side * side) {
        if (side % matmul_block != 0 || ((side / matmul_block) & (side / matmul_block - 1)) != 0) {
            std::fprintf(stderr, "N is %zu times a power of two\n", matmul_block);
            std::exit(2);
        }
        for (std::size_t i = 0; i != side; ++i)
            for (std::size_t j = 0; j != side; ++j) {
                left_[i * side + j] = static_cast<float>((i + 2 * j) % 5);
                right_[i * side + j] = static_cast<float>((3 * i + j) % 7);
            }
    }

    square left() { return {left_.data(), side_}; }
    square right() { return {right_.data(), side_}; }
    square to() { return {to_.data(), side_}; }
    /// Multiplications of two numbers.
    std::size_t operations() const { return side_ * side_ * side_; }

    /// The rows' sums are the product of `left` with those of `right`.
    bool is_right() const {
        std::vector<double> sums(side_);
        for (std::size_t i = 0; i != side_; ++i)
            for (std::size_t j = 0; j != side_; ++j) sums[i] += static_cast<double>(right_[i * side_ + j]);
        for (std::size_t i = 0; i != side_; ++i) {
            double expected = 0, found = 0;
            for (std::size_t j = 0; j != side_; ++j) {
                expected += static_cast<double>(left_[i * side_ + j]) * sums[j];
                found += static_cast<double>(to_[i * side_ + j]);
            }
            if (expected != found) return false;
        }
        return true;
    }

private:
    std::size_t side_;
    std::vector<float> left_, right_, to_;
};

}  // namespace bench
