// SPDX-License-Identifier: MIT
// Results as plots, each an inline SVG. Pure functions; empty where there is nothing to plot.
#pragma once

#include "bench_results.hpp"

#include <cstddef>
#include <string>

namespace pollux_tool::bench {

/// How a program is drawn everywhere in a scenario: ours in one colour, peers in one each.
std::string colour_class(const scenario_results& in, const std::string& program);

/// A line for each scenario and number of workers: `pollux` to the best peer.
std::string overview_plot(const results& of);

/// The scenario's metric: a bar for each program beside the others with as many workers, with the range of the rounds.
std::string bars_plot(const scenario_results& of);

/// A line for each program over the numbers of workers, if there are several.
std::string lines_plot(const scenario_results& of);

/// The shares of samples in the buckets of a histogram, of all programs with so many workers.
std::string histogram_plot(const scenario_results& of, const std::string& name, std::size_t workers);

}  // namespace pollux_tool::bench
