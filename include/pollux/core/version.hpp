// SPDX-License-Identifier: MIT
// The version of the headers (macros, for #if) and of the library that the program runs with (a function). They differ when
// a program meets another libpollux.so than the one it was built against. Any thread.
#pragma once

#include "pollux/core/export.hpp"

#define POLLUX_VERSION_MAJOR 0
#define POLLUX_VERSION_MINOR 1
#define POLLUX_VERSION_PATCH 0

namespace pollux::inline v0 {

/// The version of the library in use, as "major.minor.patch"; the text lives for ever.
[[nodiscard]] POLLUX_API const char* version() noexcept;

}  // namespace pollux::inline v0
