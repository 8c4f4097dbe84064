// SPDX-License-Identifier: MIT
// The refusal of a size of 0 where it makes no sense, out of line: the exception costs its header to compile.
#pragma once

#include <cstddef>

#include "pollux/core/export.hpp"

namespace pollux::inline v0::detail {

/// Throws: std::invalid_argument if `n` is 0.
POLLUX_API void check_buffer_size(std::size_t n, const char* message);

}  // namespace pollux::inline v0::detail
