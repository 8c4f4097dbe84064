// SPDX-License-Identifier: MIT
// The comparison with an earlier run, see bench_baseline.hpp.

#include "bench_baseline.hpp"

#include "bench_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace pollux_tool::bench {

namespace {

// A change of less than this is rounding, however small the values are.
constexpr double least_change = 0.005;

std::string fact(const results& of, const std::string& name) {
    const auto found =
        std::find_if(of.machine.begin(), of.machine.end(), [&](const auto& it) { return it.first == name; });
    return found == of.machine.end() ? "" : found->second;
}

bool are_built_alike(const results& before, const results& after) {
    const auto built = fact(after, "built by");
    return !built.empty() && built == fact(before, "built by");
}

const scenario_results* find_scenario(const results& in, const std::string& name) {
    const auto found =
        std::find_if(in.scenarios.begin(), in.scenarios.end(), [&](const auto& it) { return it.name == name; });
    return found == in.scenarios.end() ? nullptr : &*found;
}

const series* same_series(const scenario_results& in, const series& of) {
    const auto* found = find_series(in, of.program, of.workers);
    return found != nullptr && found->size == of.size && found->version == of.version ? found : nullptr;
}

comparison from_spreads(std::string what, const spread& before, const spread& after) {
    return {std::move(what), before.median, after.median,
            std::max({3 * before.deviation, 3 * after.deviation, noise_floor * before.median})};
}

// The best peer of the later run that ran in the earlier one, too; ratios of both.
std::optional<comparison> by_peer(const std::string& name, const scenario_results& before_all,
                                  const scenario_results& after_all, const series& before, const series& after) {
    std::optional<comparison> out;
    double least = 0;
    for (const auto& peer : after_all.all) {
        if (peer.workers != after.workers || is_ours(peer.program)) continue;
        const auto* peer_before = same_series(before_all, peer);
        if (peer_before == nullptr) continue;
        const auto values = values_of(peer, after_all.metric);
        const auto ratio_before = ratio_of(before, *peer_before, after_all.metric);
        const auto ratio_after = ratio_of(after, peer, after_all.metric);
        if (!ratio_before || !ratio_after) continue;
        const auto median = spread_of(values).median;
        if (out && median >= least) continue;
        least = median;
        out = from_spreads(fmt::format("{}: {} to {}", name, after_all.metric, peer.program), *ratio_before,
                           *ratio_after);
    }
    return out;
}

void compare_series(std::vector<comparison>& out, const scenario_results& before_all, const scenario_results& after_all,
                    const series& after, bool is_same_compiler) {
    const auto* before = find_series(before_all, after.program, after.workers);
    if (before == nullptr) return;
    const auto name = fmt::format("{}: {}, {}", after_all.name, after.program, with_workers(after.workers));
    if (before->size == after.size && before_all.metric == after_all.metric) {
        const auto values_before = values_of(*before, after_all.metric);
        const auto values_after = values_of(after, after_all.metric);
        if (auto ratio = by_peer(name, before_all, after_all, *before, after)) {
            out.push_back(*std::move(ratio));
        } else if (!values_before.empty() && !values_after.empty()) {
            out.push_back(from_spreads(fmt::format("{}: {}", name, after_all.metric), spread_of(values_before),
                                       spread_of(values_after)));
        }
    }
    if (!is_same_compiler) return;
    for (const auto& [metric, count] : after.counts) {
        const auto found = before->counts.find(metric);
        if (found == before->counts.end()) continue;
        out.push_back({fmt::format("{}: {}", name, metric), found->second, count,
                       std::max(least_change, count_floor * found->second)});
    }
}

void compare_scenario(std::vector<comparison>& out, const scenario_results& before, const scenario_results& after,
                      bool is_same_compiler) {
    for (const auto& it : after.all) {
        if (is_held_to_baseline(it.program)) compare_series(out, before, after, it, is_same_compiler);
    }
}

std::string line_of(const comparison& it, const char* word) {
    const auto change = it.before > 0 ? fmt::format(" ({:+.1f} %, noise {:.1f} %)", (it.after / it.before - 1) * 100,
                                                    it.noise / it.before * 100)
                                      : "";
    return fmt::format("  {}  {}: {} -> {}{}\n", word, it.what, readable_number(it.before), readable_number(it.after),
                       change);
}

}  // namespace

std::vector<comparison> compare(const results& before, const results& after) {
    std::vector<comparison> out;
    for (const auto& now : after.scenarios) {
        const auto* found = find_scenario(before, now.name);
        if (found != nullptr) compare_scenario(out, *found, now, are_built_alike(before, after));
    }
    return out;
}

std::vector<std::string> not_compared(const results& before, const results& after) {
    std::vector<std::string> out;
    for (const auto& now : after.scenarios) {
        const auto* found = find_scenario(before, now.name);
        std::vector<comparison> compared;
        if (found != nullptr) compare_scenario(compared, *found, now, are_built_alike(before, after));
        if (compared.empty()) {
            out.push_back(fmt::format(
                "{} ({})", now.name,
                found == nullptr ? "not in the baseline" : "nothing of pollux with the same size, metric and workers"));
        }
    }
    for (const auto& old : before.scenarios) {
        if (find_scenario(after, old.name) == nullptr) out.push_back(fmt::format("{} (not run)", old.name));
    }
    return out;
}

std::string comparison_text(const std::vector<comparison>& all, const results& before, const results& after,
                            const std::string& file) {
    const auto worse = std::count_if(all.begin(), all.end(), [](const comparison& it) { return it.is_worse(); });
    const auto better = std::count_if(all.begin(), all.end(), [](const comparison& it) { return it.is_better(); });
    std::string out =
        fmt::format("{} of {}: {} compared, {} worse, {} better\n", file, before.date, all.size(), worse, better);
    for (const auto& it : all) {
        if (it.is_worse()) out += line_of(it, "worse ");
    }
    for (const auto& it : all) {
        if (it.is_better()) out += line_of(it, "better");
    }
    const auto left = not_compared(before, after);
    if (!left.empty()) out += fmt::format("  not compared: {}\n", fmt::join(left, ", "));
    return out;
}

}  // namespace pollux_tool::bench
