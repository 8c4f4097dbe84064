// SPDX-License-Identifier: MIT
// The subcommand `sum`: from paths to result lines on stdout. main calls it once.

#pragma once

#include <string>
#include <vector>

namespace pollux_tool {

struct sum_options {
    std::vector<std::string> paths;
    bool is_quiet = false;  // no progress line, no summary
    bool is_json = false;   // the summary as one JSON object
};

/// Does the whole job on a runtime of its own and returns the exit status of the process.
///
/// Ends the process itself after Ctrl-C, and where the reader of stdout has gone (by SIGPIPE, as sha256sum does).
/// Throws: `std::exception` where the runtime or OpenSSL cannot work at all.
/// Threads: the main thread, before others exist: it blocks SIGINT in all of them.
int sum(sum_options options);

}  // namespace pollux_tool
