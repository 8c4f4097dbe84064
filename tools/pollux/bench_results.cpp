// SPDX-License-Identifier: MIT
// What follows from samples, see bench_results.hpp.

#include "bench_results.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>

namespace pollux_tool::bench {

namespace {

bool is_counted(const std::string& metric) { return metric == "instructions" || metric == "allocations"; }

std::optional<double> median_of(const series* of, const std::string& metric) {
    if (of == nullptr) return std::nullopt;
    auto values = values_of(*of, metric);
    if (values.empty()) return std::nullopt;
    return spread_of(std::move(values)).median;
}

std::optional<double> ratio_between(const series* mine, const series* base, const std::string& metric) {
    if (mine == nullptr || base == nullptr) return std::nullopt;
    const auto ratio = ratio_of(*mine, *base, metric);
    return ratio ? std::optional(ratio->median) : std::nullopt;
}

bar_outcome outcome_of(const bar& it, const scenario_results& in, std::size_t workers) {
    const auto* ours = find_series(in, "pollux", workers);
    bar_outcome out{it.metric, std::nullopt, it.at_most, it.reason};
    if (!it.to.empty()) {
        out.what += " to " + it.to;
        out.measured = ratio_between(ours, find_series(in, it.to, workers), it.metric);
    } else if (it.to_workers) {
        out.what += " to that of " + with_workers(*it.to_workers);
        out.measured = ratio_between(ours, find_series(in, "pollux", *it.to_workers), it.metric);
    } else {
        out.measured = median_of(ours, it.metric);
    }
    out.what += ", " + with_workers(workers);
    return out;
}

}  // namespace

std::vector<double> values_of(const series& of, const std::string& metric) {
    if (const auto counted = of.counts.find(metric); counted != of.counts.end()) return {counted->second};
    std::vector<double> out;
    for (const auto& round : of.rounds) {
        if (const auto found = round.find(metric); found != round.end()) out.push_back(found->second);
    }
    return out;
}

bool is_held_to_baseline(const std::string& program) {
    return is_ours(program) && program.find(" without ") == std::string::npos;
}

bool has_peer(const scenario_results& in) {
    return std::any_of(in.all.begin(), in.all.end(), [](const series& it) { return !is_ours(it.program); });
}

const series* find_series(const scenario_results& in, const std::string& program, std::size_t workers) {
    const auto found = std::find_if(in.all.begin(), in.all.end(),
                                    [&](const series& it) { return it.program == program && it.workers == workers; });
    return found == in.all.end() ? nullptr : &*found;
}

bool is_comparable(const series& mine, const series& base, const std::string& metric) {
    return mine.size == base.size || is_counted(metric) || metric.find("_per_") != std::string::npos;
}

std::optional<spread> ratio_of(const series& mine, const series& base, const std::string& metric) {
    if (!is_comparable(mine, base, metric)) return std::nullopt;
    return ratio_of(values_of(mine, metric), values_of(base, metric));
}

const series* best_peer(const scenario_results& in, std::size_t workers) {
    const series* best = nullptr;
    double least = 0;
    const auto* ours = find_series(in, "pollux", workers);
    for (const auto& it : in.all) {
        if (it.workers != workers || is_ours(it.program)) continue;
        if (ours != nullptr && !is_comparable(*ours, it, in.metric)) continue;
        const auto median = median_of(&it, in.metric);
        if (!median || (best != nullptr && *median >= least)) continue;
        best = &it;
        least = *median;
    }
    return best;
}

std::vector<std::size_t> worker_counts(const scenario_results& in) {
    std::set<std::size_t> out;
    for (const auto& it : in.all) out.insert(it.workers);
    return {out.begin(), out.end()};
}

std::vector<std::string> further_metrics(const scenario_results& in) {
    std::set<std::string> found;
    for (const auto& it : in.all) {
        for (const auto& [metric, value] : it.counts) found.insert(metric);
        for (const auto& round : it.rounds) {
            for (const auto& [metric, value] : round) found.insert(metric);
        }
    }
    for (const auto& known : {in.metric, std::string("operations"), std::string("ms")}) found.erase(known);
    std::vector<std::string> out;
    for (const char* first :
         {"ns_per_op", "cpu_ns_per_op", "instructions", "allocations", "wakeups_per_op", "peak_rss_mb"}) {
        if (found.erase(first) == 1) out.emplace_back(first);
    }
    out.insert(out.end(), found.begin(), found.end());
    return out;
}

std::vector<bar_outcome> outcomes(const scenario_results& of, bool is_quick) {
    std::vector<bar_outcome> out;
    for (const auto& it : of.bars) {
        if (is_quick && !is_counted(it.metric)) continue;
        for (const auto workers : it.workers.empty() ? worker_counts(of) : it.workers) {
            if (it.workers.empty() && find_series(of, "pollux", workers) == nullptr) continue;
            out.push_back(outcome_of(it, of, workers));
        }
    }
    return out;
}

std::string with_workers(std::size_t workers) { return fmt::format("{} worker{}", workers, workers == 1 ? "" : "s"); }

}  // namespace pollux_tool::bench
