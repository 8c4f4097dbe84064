// SPDX-License-Identifier: MIT
// Latencies of a scenario, and how they are reported: percentiles, and a histogram as lines `name lower count`.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "measure.hpp"

namespace bench {

using latencies = std::vector<std::chrono::nanoseconds>;

inline double milliseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) * 1e-6; }

/// `per_mille` of them take at most so long. Not of none.
inline std::chrono::nanoseconds percentile(latencies all, std::size_t per_mille) {
    const auto place = static_cast<std::ptrdiff_t>((all.size() - 1) * per_mille / 1000);
    std::nth_element(all.begin(), all.begin() + place, all.end());
    return all[static_cast<std::size_t>(place)];
}

/// Eight buckets to a factor of two, so 60 of them reach over a factor of 180.
inline void report_histogram(const char* name, const latencies& all) {
    constexpr double buckets_to_two = 8;
    std::map<int, std::size_t> counts;
    for (const auto each : all)
        ++counts[static_cast<int>(std::floor(std::log2(std::max(milliseconds(each), 1e-3)) * buckets_to_two))];
    for (const auto& [bucket, count] : counts)
        std::printf("%s %.4f %zu\n", name, std::exp2(bucket / buckets_to_two), count);
}

/// As `name_p50_ms` and `name_p99_ms`.
inline void report_percentiles(const std::string& name, const latencies& all) {
    report((name + "_p50_ms").c_str(), milliseconds(percentile(all, 500)));
    report((name + "_p99_ms").c_str(), milliseconds(percentile(all, 990)));
}

}  // namespace bench
