// SPDX-License-Identifier: MIT
// The board of nqueens, for ours and for its peers: which placements are tried, and how many there are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace bench {

inline constexpr std::size_t most_queens = 15;

/// The queens of the first rows, by column.
struct board {
    std::array<std::int8_t, most_queens> columns;

    /// A queen in `row` is attacked by none of the rows before it.
    bool is_safe(std::size_t row, std::size_t column) const {
        for (std::size_t before = 0; before != row; ++before) {
            const auto distance = static_cast<int>(row - before);
            const int apart = static_cast<int>(column) - columns[before];
            if (apart == 0 || apart == distance || apart == -distance) return false;
        }
        return true;
    }
    board with(std::size_t row, std::size_t column) const {
        board next = *this;
        next.columns[row] = static_cast<std::int8_t>(column);
        return next;
    }
};

struct queens_counts {
    std::uint64_t placements;  // the empty board included
    std::uint64_t solutions;
};

/// Of N queens on N rows.
inline queens_counts nqueens_counts(std::size_t n) {
    static constexpr queens_counts of[most_queens + 1] = {
        {1, 1},
        {2, 1},
        {3, 0},
        {6, 0},
        {17, 2},
        {54, 10},
        {153, 4},
        {552, 40},
        {2057, 92},
        {8394, 352},
        {35539, 724},
        {166926, 2680},
        {856189, 14200},
        {4674890, 73712},
        {27358553, 365596},
        {171129072, 2279184},
    };
    if (n > most_queens) std::exit(2);
    return of[n];
}

}  // namespace bench
