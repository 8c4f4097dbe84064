// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace pollux::inline v0::fs {

/// What the system says of a file.
struct file_metadata {
    std::uint64_t size = 0;  // bytes
    /// Of the last write. One that nanoseconds do not reach, 292 years from 1970, is the first or the last that they do.
    std::chrono::sys_time<std::chrono::nanoseconds> modified;
    bool is_file = false;  // a regular one; neither: a pipe, a device, ...
    bool is_directory = false;
};

}  // namespace pollux::inline v0::fs
