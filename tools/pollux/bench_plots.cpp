// SPDX-License-Identifier: MIT
// Plots of results, see bench_plots.hpp.

#include "bench_plots.hpp"

#include "bench_svg.hpp"
#include "bench_table.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace pollux_tool::bench {

namespace {

constexpr double row_height = 22;
constexpr double bar_height = 13;
constexpr double text_drop = 4.5;  // from the middle of a line of text to its base
constexpr double character = 6.6;  // the width of one, on average
constexpr std::size_t peer_colours = 6;

double width_of(const std::string& text) { return static_cast<double>(text.size()) * character; }

std::string numbers_of(const spread& all) {
    return fmt::format("{} ({} to {})", readable_number(all.median), readable_number(all.least),
                       readable_number(all.most));
}

// The values of one series in the scenario's metric.
struct plotted {
    const series* of;
    spread values;
};

std::vector<plotted> plotted_series(const scenario_results& of) {
    std::vector<plotted> out;
    for (const auto& it : of.all) {
        auto values = values_of(it, of.metric);
        if (!values.empty()) out.push_back({&it, spread_of(std::move(values))});
    }
    return out;
}

// The longest bar. One stray round does not flatten all the others, and neither does a program that is many times slower than
// most: ranges and bars are cut off there.
double top_of(const std::vector<plotted>& all) {
    std::vector<double> medians;
    double most = 0, ours = 0;
    for (const auto& it : all) {
        medians.push_back(it.values.median);
        most = std::max(most, it.values.most);
        if (it.of->program == "pollux") ours = std::max(ours, it.values.median);
    }
    const auto typical = spread_of(medians);
    const double cut = std::max(8 * typical.median, 2 * ours);
    double top = std::min(most, 1.4 * typical.most);
    if (cut > 0) top = std::min(top, cut);
    return top > 0 ? top : 1;
}

// From zero, or by the logarithm where the values differ too much to be told apart.
scale height_of(const std::vector<plotted>& all, double bottom, double top) {
    double least = all[0].values.median, most = 0;
    for (const auto& it : all) {
        least = std::min(least, it.values.median);
        most = std::max(most, it.values.median);
    }
    if (least > 0 && most > 20 * least) return scale::logarithmic(least / 1.5, most * 1.5, bottom, top);
    return scale::linear(0, most > 0 ? most * 1.05 : 1, bottom, top);
}

struct overview_row {
    std::string name;
    std::string peer;
    spread ratio;
};

std::vector<overview_row> overview_rows(const results& of) {
    std::vector<overview_row> out;
    for (const auto& it : of.scenarios) {
        for (const auto workers : worker_counts(it)) {
            const auto* ours = find_series(it, "pollux", workers);
            const auto* peer = best_peer(it, workers);
            if (ours == nullptr || peer == nullptr) continue;
            const auto ratio = ratio_of(*ours, *peer, it.metric);
            if (ratio && ratio->least > 0)
                out.push_back({fmt::format("{}, {}", it.name, with_workers(workers)), peer->program, *ratio});
        }
    }
    return out;
}

}  // namespace

std::string colour_class(const scenario_results& in, const std::string& program) {
    if (program == "pollux") return "ours";
    if (is_ours(program)) return "ours variant";
    std::vector<std::string> peers;
    for (const auto& it : in.all) {
        if (!is_ours(it.program) && std::find(peers.begin(), peers.end(), it.program) == peers.end())
            peers.push_back(it.program);
    }
    const auto at = static_cast<std::size_t>(std::find(peers.begin(), peers.end(), program) - peers.begin());
    return fmt::format("peer{}", at % peer_colours);
}

std::string overview_plot(const results& of) {
    const auto rows = overview_rows(of);
    if (rows.empty()) return {};
    double least = 0.5, most = 2, label_width = 0, note_width = 0;
    for (const auto& it : rows) {
        least = std::min(least, it.ratio.least);
        most = std::max(most, it.ratio.most);
        label_width = std::max(label_width, width_of(it.name));
        note_width = std::max(note_width, width_of(it.peer) + 50);
    }
    const double left = label_width + 16, right = left + 420, top = 26,
                 bottom = top + row_height * static_cast<double>(rows.size());
    const auto x = scale::logarithmic(std::max(least, 0.01), std::min(most, 100.0), left, right);
    svg out(right + 12 + note_width, bottom + 24);
    out.rectangle(left, top, x(1) - left, bottom - top, "better");
    for (const double tick : x.ticks()) {
        out.line(x(tick), top, x(tick), bottom, tick == 1 ? "one" : "grid");
        out.text(x(tick), bottom + 16, anchor::middle, readable_number(tick), "muted");
    }
    out.text(x(1) - 8, top - 8, anchor::end, "\u2190 faster than the best peer", "muted");
    out.text(x(1) + 8, top - 8, anchor::start, "slower \u2192", "muted");
    double y = top + row_height / 2;
    for (const auto& it : rows) {
        const auto tip = fmt::format("{} to {}: {}", it.name, it.peer, readable_ratio(it.ratio));
        out.text(left - 12, y + text_drop, anchor::end, it.name);
        out.line(x(it.ratio.least), y, x(it.ratio.most), y, "range ours");
        out.circle(x(it.ratio.median), y, 5, "ours", tip);
        out.text(right + 12, y + text_drop, anchor::start, fmt::format("{:.2f}", it.ratio.median), "strong");
        out.text(right + 50, y + text_drop, anchor::start, it.peer, "muted");
        y += row_height;
    }
    return out.finish("ratio of pollux to the best peer, by scenario and number of workers");
}

std::string bars_plot(const scenario_results& of) {
    const auto all = plotted_series(of);  // those with as many workers are neighbours, as they were run
    if (all.empty()) return {};
    double label_width = 0;
    for (const auto& it : all) label_width = std::max(label_width, width_of(it.of->program));
    const auto groups = worker_counts(of).size();
    const double left = label_width + 16, right = left + 380;
    svg out(right + 70, row_height * static_cast<double>(all.size() + groups) + 8);
    const double top = top_of(all);
    const auto x = scale::linear(0, top, left, right);
    double y = row_height / 2;
    std::size_t workers = 0;
    for (const auto& [series, values] : all) {
        if (series->workers != workers) {
            workers = series->workers;
            out.text(left, y + text_drop, anchor::start, with_workers(workers), "muted");
            y += row_height;
        }
        const auto tip = fmt::format("{}, {}: {}", series->program, with_workers(workers), numbers_of(values));
        const auto colour = colour_class(of, series->program);
        out.text(left - 10, y + text_drop, anchor::end, series->program, series->program == "pollux" ? "strong" : "");
        out.line(left, y - row_height / 2, left, y + row_height / 2, "axis");
        out.rectangle(left, y - bar_height / 2, std::max(1.0, x(values.median) - left), bar_height, colour, tip);
        out.line(x(values.least), y, x(values.most), y, "range");
        if (values.median > top) {
            for (const double gap : {14.0, 8.0})
                out.line(right - gap - 3, y + row_height / 2, right - gap + 3, y - row_height / 2, "cut");
        }
        out.text(right + 62, y + text_drop, anchor::end, readable_number(values.median),
                 series->program == "pollux" ? "strong" : "");
        y += row_height;
    }
    return out.finish(fmt::format("{} of {}: a bar for each program and number of workers", of.metric, of.name));
}

std::string lines_plot(const scenario_results& of) {
    const auto counts = worker_counts(of);
    const auto all = plotted_series(of);
    if (counts.size() < 2 || all.empty()) return {};
    constexpr double left = 56, right = 356, top = 12, bottom = 212;
    svg out(right + 24, bottom + 40);
    const auto y = height_of(all, bottom, top);
    for (const double tick : y.ticks()) {
        out.line(left, y(tick), right, y(tick), "grid");
        out.text(left - 8, y(tick) + text_drop, anchor::end, readable_number(tick), "muted");
    }
    // Side by side whatever they are: 1, 2, 4, 8 and all CPUs.
    const auto x_of = [&](std::size_t workers) {
        const auto at = std::find(counts.begin(), counts.end(), workers) - counts.begin();
        return left + 20 + (right - left - 40) * static_cast<double>(at) / static_cast<double>(counts.size() - 1);
    };
    for (const auto workers : counts)
        out.text(x_of(workers), bottom + 16, anchor::middle, fmt::format("{}", workers), "muted");
    out.text((left + right) / 2, bottom + 34, anchor::middle, "workers", "muted");
    std::map<std::string, std::vector<std::pair<double, double>>> lines;
    for (const auto& [series, values] : all)
        lines[series->program].emplace_back(x_of(series->workers), y(values.median));
    for (auto& [program, points] : lines) {
        std::sort(points.begin(), points.end());
        out.path(points, "curve " + colour_class(of, program), program);
    }
    for (const auto& [series, values] : all) {
        const auto tip = fmt::format("{}, {}: {}", series->program, with_workers(series->workers), numbers_of(values));
        out.circle(x_of(series->workers), y(values.median), 4, colour_class(of, series->program), tip);
    }
    return out.finish(fmt::format("{} of {} over the number of workers", of.metric, of.name));
}

std::string histogram_plot(const scenario_results& of, const std::string& name, std::size_t workers) {
    struct shares {
        const series* of;
        std::vector<std::pair<double, double>> buckets;  // lower bound, share of the samples
    };
    std::vector<shares> all;
    double from = 0, to = 0, rarest = 1;
    for (const auto& it : of.all) {
        const auto found = it.histograms.find(name);
        if (it.workers != workers || found == it.histograms.end()) continue;
        double sum = 0;
        for (const auto& [lower, count] : found->second) sum += count;
        if (!(sum > 0)) continue;
        all.push_back({&it, {}});
        for (const auto& [lower, count] : found->second) {
            all.back().buckets.emplace_back(lower, count / sum);
            if (lower > 0) from = from > 0 ? std::min(from, lower) : lower;
            if (count > 0) {
                to = std::max(to, lower);
                rarest = std::min(rarest, count / sum);
            }
        }
    }
    if (all.empty() || !(to > 0)) return {};
    constexpr double left = 56, right = 536, top = 12, bottom = 212;
    svg out(right + 24, bottom + 40);
    // A bucket ends where the next begins; of the last nothing but its beginning is known.
    const double end = to * 1.5;
    const auto x = scale::logarithmic(from / 1.5, end, left, right);
    const double floor = std::pow(10, std::floor(std::log10(rarest)));
    const auto y = scale::logarithmic(floor < 1 ? floor : 0.1, 1, bottom, top);
    for (const double tick : y.ticks()) {
        out.line(left, y(tick), right, y(tick), "grid");
        out.text(left - 8, y(tick) + text_drop, anchor::end, fmt::format("{:.3g} %", tick * 100), "muted");
    }
    for (const double tick : x.ticks()) {
        out.line(x(tick), bottom, x(tick), bottom + 4, "axis");
        out.text(x(tick), bottom + 16, anchor::middle, readable_number(tick), "muted");
    }
    out.text((left + right) / 2, bottom + 34, anchor::middle, fmt::format("{}, {}", name, with_workers(workers)),
             "muted");
    for (const auto& [series, buckets] : all) {
        std::vector<std::pair<double, double>> steps;
        double before = bottom;
        for (std::size_t i = 0; i != buckets.size() && buckets[i].first <= to; ++i) {
            const auto [lower, share] = buckets[i];
            const double height = share > 0 ? y(share) : bottom;
            steps.emplace_back(x(lower), before);
            steps.emplace_back(x(lower), height);
            before = height;
        }
        const auto last = std::find_if(buckets.rbegin(), buckets.rend(), [](const auto& it) { return it.second > 0; });
        const auto after = last == buckets.rbegin() ? end : std::prev(last)->first;
        if (steps.back().second < bottom) {
            steps.emplace_back(x(after), before);
            steps.emplace_back(x(after), bottom);
        }
        out.path(steps, "curve " + colour_class(of, series->program), series->program);
    }
    out.line(left, bottom, right, bottom, "axis");
    return out.finish(fmt::format("share of the samples of {} in each bucket, {}", name, with_workers(workers)));
}

}  // namespace pollux_tool::bench
