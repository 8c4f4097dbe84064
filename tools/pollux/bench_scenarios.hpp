// SPDX-License-Identifier: MIT
// What is to be measured: the definitions in DIR/scenarios/*.json, as bench/scenarios/README.md describes them, and which of
// them run with the given options. Reads files, runs nothing.
#pragma once

#include "bench_json.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace pollux_tool::bench {

/// A program that does the work of a scenario.
struct contender {
    std::string name;
    std::vector<std::string> command;  // the first word is a path in the folder of programs
    std::string package;               // whose version is printed; may be empty
    std::vector<std::size_t> workers;  // empty: as many as the scenario says
    std::optional<std::size_t> size;
};

/// What `pollux` is to reach.
struct bar {
    std::string metric;
    double at_most = 0;
    std::string to;                         // not empty: a ratio to this program
    std::optional<std::size_t> to_workers;  // a ratio to `pollux` itself with so many workers
    std::vector<std::size_t> workers;       // empty: each that has run
    std::string reason;
};

struct scenario {
    std::string name;
    std::string title;
    std::string shows;
    std::size_t size = 0;
    std::size_t quick_size = 0;
    std::vector<std::size_t> count_sizes;  // none or two
    std::vector<std::size_t> workers;      // empty: 1, 2, 4 ... and all CPUs
    std::string metric;
    std::vector<contender> programs;
    std::vector<std::string> without;
    std::vector<bar> bars;
};

/// Ours are compared with the others, the peers.
bool is_ours(const std::string& program);

/// The scenarios of one file. `file` names it in errors. Throws: input_error.
std::vector<scenario> parse_scenarios(const boost::json::value& all, const std::string& file);

/// Those of every file in `folder`/scenarios, in the order of the files. Throws: input_error.
std::vector<scenario> load_scenarios(const std::string& folder);

/// 1, 2, 4 ... and all CPUs that this process may use.
std::vector<std::size_t> every_worker_count();

}  // namespace pollux_tool::bench
