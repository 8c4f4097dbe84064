// SPDX-License-Identifier: MIT
// `pollux bench`: runs the programs of scenarios in turn, compares them, and keeps what they gave. Called by main.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace pollux_tool::bench {

/// What was given cannot be used: status 2. The text goes behind `pollux: bench: `.
class input_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct bench_options {
    std::string filter;                // a regular expression; empty: all scenarios
    bool is_list = false;              // prints names only
    bool is_quick = false;             // small sizes
    bool is_counting = false;          // instructions and allocations, too
    std::size_t rounds = 0;            // main puts in what is meant where none is given
    std::vector<std::size_t> workers;  // empty: as the scenarios say
    std::string programs;              // the folder of programs and of scenarios/
    std::string build;                 // the compiler that made the programs; empty: not known
    std::string json;                  // files to write; empty: none
    std::string markdown;
    std::string html;
    std::string baseline;  // of an earlier run, as --json wrote it; empty: none
};

/// The exit status: 0 fine, 1 a program failed or results could not be written, 3 slower than the baseline, 128 and the number of
/// the signal that ended it: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP. SIGPIPE is ignored from then on.
/// Throws: input_error for what cannot be used, before anything is run.
int run(const bench_options& options);

}  // namespace pollux_tool::bench
