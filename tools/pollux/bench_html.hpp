// SPDX-License-Identifier: MIT
// Results as one page that needs nothing else: tables, plots as inline SVG, and all samples in a block of JSON.
#pragma once

#include "bench_results.hpp"

#include <string>

namespace pollux_tool::bench {

std::string html(const results& of);

}  // namespace pollux_tool::bench
