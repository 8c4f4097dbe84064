// SPDX-License-Identifier: MIT
// Medians, see bench_statistics.hpp.

#include "bench_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace pollux_tool::bench {

namespace {

double median_of_sorted(const std::vector<double>& values) {
    const std::size_t half = values.size() / 2;
    return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

spread spread_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    spread out{median_of_sorted(values), 0, values.front(), values.back()};
    for (double& value : values) value = std::abs(value - out.median);
    std::sort(values.begin(), values.end());
    out.deviation = median_of_sorted(values);
    return out;
}

std::optional<spread> ratio_of(const std::vector<double>& mine, const std::vector<double>& base) {
    if (mine.size() != base.size() || mine.empty()) return std::nullopt;
    std::vector<double> ratios;
    for (std::size_t i = 0; i != mine.size(); ++i) {
        if (!(base[i] > 0)) return std::nullopt;
        ratios.push_back(mine[i] / base[i]);
    }
    return spread_of(std::move(ratios));
}

}  // namespace pollux_tool::bench
