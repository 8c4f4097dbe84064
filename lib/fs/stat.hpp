// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>

#include "pollux/fs/file_metadata.hpp"

namespace pollux::inline v0::fs::detail {

/// As stat(2) and fstat(2) tell.
file_metadata metadata_of(const struct ::stat& status) noexcept;

}  // namespace pollux::inline v0::fs::detail
