// SPDX-License-Identifier: MIT
// What stdout and stderr are, and writing to stderr as it is: for progress lines.
#pragma once

#include <cstddef>
#include <string_view>
#include <system_error>

namespace pollux_tool {

/// Takes away the line that the cursor is in.
inline constexpr std::string_view erase_line = "\r\x1b[K";

/// Whether `fd` is a terminal that knows erase_line: TERM is set, and not to dumb.
bool is_able_terminal(int fd);

/// Of the terminal behind stderr; 80 where there is none.
std::size_t terminal_columns();

/// All of it, without a buffer.
std::error_code write_all(int fd, std::string_view text);

/// The same to stderr. An error is ignored: there is nobody left to tell.
void write_stderr(std::string_view text);

}  // namespace pollux_tool
