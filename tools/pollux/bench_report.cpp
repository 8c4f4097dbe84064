// SPDX-License-Identifier: MIT
// Reports of measured programs, see bench_report.hpp.

#include "bench_report.hpp"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

namespace pollux_tool::bench {

namespace {

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> out;
    while (true) {
        const auto begin = line.find_first_not_of(" \t\r");
        if (begin == std::string_view::npos) return out;
        line.remove_prefix(begin);
        const auto end = line.find_first_of(" \t\r");
        out.push_back(line.substr(0, end));
        line.remove_prefix(out.back().size());
    }
}

std::optional<double> number_of(std::string_view word) {
    double out = 0;
    const auto* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, out);
    if (error != std::errc() || stop != end || !std::isfinite(out)) return std::nullopt;
    return out;
}

}  // namespace

std::expected<report, std::string> parse_report(std::string_view output, const std::string& metric) {
    report out;
    for (std::size_t number = 1; !output.empty(); ++number) {
        const auto line = output.substr(0, output.find('\n'));
        output.remove_prefix(std::min(output.size(), line.size() + 1));
        const auto words = words_of(line);
        if (words.empty()) continue;
        const auto first = words.size() > 1 ? number_of(words[1]) : std::nullopt;
        const auto second = words.size() == 3 ? number_of(words[2]) : std::nullopt;
        if (words.size() == 2 && first) {
            out.metrics[std::string(words[0])] = *first;
        } else if (words.size() == 3 && first && second) {
            out.histograms[std::string(words[0])][*first] += *second;
        } else {
            return std::unexpected(fmt::format(
                "line {} of its output is neither `metric value` nor `name lower count`: {:.80}", number, line));
        }
    }
    if (const auto operations = out.metrics.find("operations");
        operations == out.metrics.end() || operations->second < 1) {
        return std::unexpected("it has not reported its `operations`");
    }
    if (out.metrics.find(metric) == out.metrics.end())
        return std::unexpected(fmt::format("it has not reported its `{}`", metric));
    return out;
}

}  // namespace pollux_tool::bench
