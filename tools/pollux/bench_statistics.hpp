// SPDX-License-Identifier: MIT
// What is said of several rounds: the median, and how far the rounds are from it. Pure functions.
#pragma once

#include <optional>
#include <vector>

namespace pollux_tool::bench {

struct spread {
    double median = 0;
    double deviation = 0;  // the median of the distances from the median: a stray round does not move it
    double least = 0;
    double most = 0;
};

/// Of at least one value.
spread spread_of(std::vector<double> values);

/// The spread of `mine[i] / base[i]`: each ratio is of one round, in which both met the same noise. None if the numbers of
/// rounds differ, there is none, or a base is not positive.
std::optional<spread> ratio_of(const std::vector<double>& mine, const std::vector<double>& base);

}  // namespace pollux_tool::bench
