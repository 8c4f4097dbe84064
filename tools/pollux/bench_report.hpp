// SPDX-License-Identifier: MIT
// What a measured program has printed: lines `metric value`, and `name lower count` for the buckets of a histogram. Pure
// functions.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>

namespace pollux_tool::bench {

struct report {
    std::map<std::string, double> metrics;
    std::map<std::string, std::map<double, double>> histograms;  // lower bound -> samples
};

/// The report, or what is wrong with it. `operations`, at least one, and `metric` have to be in it.
std::expected<report, std::string> parse_report(std::string_view output, const std::string& metric);

}  // namespace pollux_tool::bench
