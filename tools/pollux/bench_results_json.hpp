// SPDX-License-Identifier: MIT
// Results as a JSON file, and back: for --json, --baseline, and inside of the page.
#pragma once

#include "bench_results.hpp"

#include <string>

namespace pollux_tool::bench {

/// All samples, the machine, and medians and ratios beside them for those who only read.
boost::json::value to_json(const results& of);

/// What to_json has written; medians and ratios are not looked at. Throws: input_error.
results from_json(const boost::json::value& value, const std::string& file);

}  // namespace pollux_tool::bench
