// SPDX-License-Identifier: MIT
// What has been measured, and what follows from it: medians, ratios to peers, bars. Filled by bench_runner and bench_counts;
// tables, pages and comparisons are made of it. Plain values.
#pragma once

#include "bench_scenarios.hpp"
#include "bench_statistics.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pollux_tool::bench {

/// Metric -> value.
using metric_values = std::map<std::string, double>;

/// One program of a scenario with one number of workers.
struct series {
    std::string program;
    std::size_t workers = 0;
    std::size_t size = 0;
    std::string version;                // of the package it comes from; may be empty
    std::vector<metric_values> rounds;  // all with the same metrics
    metric_values counts;               // `instructions` and `allocations` an operation, if they have been counted
    std::map<std::string, std::map<double, double>> histograms;  // lower bound of a bucket -> samples, of all rounds
};

struct scenario_results {
    std::string name;
    std::string title;
    std::string shows;
    std::string metric;
    std::size_t size = 0;  // the one that the title speaks of
    std::vector<series> all;
    std::vector<bar> bars;
    std::vector<double> others_cpus;  // a round: how many CPUs processes outside of the comparison kept busy
};

/// Name -> value, in the order of printing.
using facts = std::vector<std::pair<std::string, std::string>>;

struct results {
    std::string date;  // UTC, ISO 8601
    std::size_t rounds = 0;
    bool is_quick = false;
    bool is_interrupted = false;
    facts machine;
    std::vector<scenario_results> scenarios;
    std::vector<std::string> failures;
};

/// The values of a metric, one a round; one alone if it has been counted. Empty if there is none.
std::vector<double> values_of(const series& of, const std::string& metric);

/// Of ours, those with all heuristics: rows with one off are there to be worse.
bool is_held_to_baseline(const std::string& program);

bool has_peer(const scenario_results& in);

const series* find_series(const scenario_results& in, const std::string& program, std::size_t workers);

/// Whether values of `metric` say the same of both: they ran at one size, or the metric is an amount for each operation, task or the
/// like (`ns_per_op`, `bytes_per_task`) or is counted, as a slope.
bool is_comparable(const series& mine, const series& base, const std::string& metric);

/// Of `mine` to `base`, in `metric`. None where one has not been measured, or is zero, or they are not comparable.
std::optional<spread> ratio_of(const series& mine, const series& base, const std::string& metric);

/// The peer whose median is least, with so many workers, of those that are comparable with `pollux`; none if none has run.
const series* best_peer(const scenario_results& in, std::size_t workers);

/// The numbers of workers that something has run with, in order.
std::vector<std::size_t> worker_counts(const scenario_results& in);

/// The metrics that have been measured of any series, in the order of columns, without the scenario's own, `operations` and `ms`.
std::vector<std::string> further_metrics(const scenario_results& in);

/// How far a bar is reached with a number of workers.
struct bar_outcome {
    std::string what;                // `ns_per_op to oneTBB, 2 workers`
    std::optional<double> measured;  // none: nothing has been measured that it is of
    double at_most = 0;
    std::string reason;

    bool is_met() const { return measured.has_value() && *measured <= at_most; }
};

/// Of all bars. Times and sizes of a quick run say nothing about them: then only what is counted.
std::vector<bar_outcome> outcomes(const scenario_results& of, bool is_quick);

/// `1 worker`, `2 workers`.
std::string with_workers(std::size_t workers);

}  // namespace pollux_tool::bench
