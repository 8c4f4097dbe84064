// SPDX-License-Identifier: MIT
// The errors of input and output that no system call has: they come from what was read.
#pragma once

#include <system_error>
#include <type_traits>

#include "pollux/core/export.hpp"

namespace pollux::inline v0::io {

/// Converts to `std::error_code` and compares with one.
enum class errc {
    unexpected_end = 1,  // the bytes ended in the middle of what was asked for, or of a frame
    write_zero,          // a byte stream took none of the bytes, without an error
    line_too_long,       // over the limit of a lines_codec
    frame_too_long,      // over the limit of a length_codec
};

/// The category of `errc`; its name is "pollux.io".
POLLUX_API const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(errc error) noexcept { return {static_cast<int>(error), error_category()}; }

}  // namespace pollux::inline v0::io

template <>
struct std::is_error_code_enum<pollux::io::errc> : std::true_type {};
