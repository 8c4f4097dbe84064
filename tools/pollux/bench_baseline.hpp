// SPDX-License-Identifier: MIT
// Is this run worse than an earlier one, beyond noise? Pure functions.
//
// Ours are compared, a program and a number of workers at a time, where both runs had the same size. Where a peer of the
// same version ran in both, it is the ratio to the peer that counts, so that a slower machine is no regression; else the
// metric itself. Counted instructions and allocations are compared as they are, if the same compiler built both.
#pragma once

#include "bench_results.hpp"

#include <string>
#include <vector>

namespace pollux_tool::bench {

/// Beyond 3 MADs of either run, a change has to be this large a part of what was before.
inline constexpr double noise_floor = 0.05;
/// Counts have no noise to speak of.
inline constexpr double count_floor = 0.01;

struct comparison {
    std::string what;  // `fib: pollux, 2 workers: ns_per_op to oneTBB`
    double before = 0;
    double after = 0;
    double noise = 0;  // a change up to here is none, in the unit of the values

    bool is_worse() const { return after - before > noise; }
    bool is_better() const { return before - after > noise; }
};

std::vector<comparison> compare(const results& before, const results& after);

/// Scenarios of either run of which nothing is compared, each with the reason: `fib (not run)`.
std::vector<std::string> not_compared(const results& before, const results& after);

/// Lines for the terminal: how many have been compared, what is worse, what is better, what had no partner.
std::string comparison_text(const std::vector<comparison>& all, const results& before, const results& after,
                            const std::string& file);

}  // namespace pollux_tool::bench
