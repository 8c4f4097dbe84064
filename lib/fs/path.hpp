// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <system_error>

namespace pollux::inline v0::fs::detail {

/// The system would take what stands before a zero byte, and so another file.
inline std::error_code check_path(const std::string& path) noexcept {
    return path.find('\0') == std::string::npos ? std::error_code() : std::make_error_code(std::errc::invalid_argument);
}

}  // namespace pollux::inline v0::fs::detail
