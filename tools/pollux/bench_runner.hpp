// SPDX-License-Identifier: MIT
// Which programs run, and the rounds: all programs of a scenario once unmeasured, then all of them in turn, another one
// first in each round.
#pragma once

#include "bench.hpp"
#include "bench_process.hpp"
#include "bench_progress.hpp"
#include "bench_results.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace pollux_tool::bench {

/// A program of a scenario with one number of workers.
struct planned_run {
    std::string program;
    std::size_t workers = 0;
    std::size_t size = 0;
    std::vector<std::string> command;  // {workers} and {size} are still in it
    std::string package;
    std::string version;  // of the package, once it is known
};

struct planned_scenario {
    scenario what;
    std::vector<planned_run> runs;
    std::vector<std::string>
        programs;  // the names of those that are there; maybe none of them runs with the workers asked for
    std::vector<std::string> missing;  // `NAME (FILE)`: programs that are not in the folder
};

/// The scenarios whose names the filter finds. Throws: input_error for a bad filter, or one that finds none.
std::vector<planned_scenario> plan(std::vector<scenario> all, const bench_options& options);

/// The command with its numbers in it.
std::vector<std::string> filled(const planned_run& run, std::size_t workers, std::size_t size);

/// `Tokio, 2 workers`.
std::string name_of(const planned_run& run);

/// Runs a scenario and adds what it gave to `into`, round by round, so that what has been measured is there if it is
/// interrupted. A program that fails is taken out, and named in `into.failures`. Throws: interrupted.
void measure(const planned_scenario& planned, const bench_options& options, const interrupt_guard& guard,
             progress_report& progress, results& into);

}  // namespace pollux_tool::bench
