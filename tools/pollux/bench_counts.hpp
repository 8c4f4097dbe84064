// SPDX-License-Identifier: MIT
// Instructions and allocations an operation, counted and so free of noise: the slope between two sizes, one worker.
// Callgrind counts the instructions, a preloaded library the calls of malloc and its kin.
#pragma once

#include "bench_runner.hpp"

namespace pollux_tool::bench {

/// What stands in for malloc in the counted runs; built with the programs.
inline constexpr const char* allocation_library = "libbench_allocations.so";

/// Throws: input_error if what counts instructions is not installed; interrupted.
void look_for_counter(const interrupt_guard& guard);

/// Counts every program of the last scenario of `into` that can run with one worker. What cannot be counted is named in
/// `into.failures`. Throws: interrupted.
void count(const planned_scenario& planned, const bench_options& options, const interrupt_guard& guard,
           progress_report& progress, results& into);

}  // namespace pollux_tool::bench
