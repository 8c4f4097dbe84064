// SPDX-License-Identifier: MIT
// The numbers of a runtime as one line of JSON. Pure, any thread.

#pragma once

#include "pollux/runtime.hpp"

#include <string>

namespace pollux_tool {

/// One object, its keys those of runtime_metrics in their order; without a line end.
std::string metrics_json(const pollux::runtime_metrics& metrics);

}  // namespace pollux_tool
