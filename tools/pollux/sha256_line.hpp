// SPDX-License-Identifier: MIT
// How a result is written: the line that sha256sum of GNU coreutils 9.1 prints for a file, byte for byte. A name with a
// backslash, a line feed or a carriage return is escaped (`\\`, `\n`, `\r`) and the line then begins with a backslash;
// every other byte, valid UTF-8 or not, stays as it is. Pure functions, any thread.

#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace pollux_tool {

using sha256_digest = std::array<std::byte, 32>;

/// Appends the 64 hexadecimal digits.
void append_sha256(std::string& out, const sha256_digest& digest);

/// Appends the line of `path` with its line end.
void append_sha256_line(std::string& out, const sha256_digest& digest, std::string_view path);

}  // namespace pollux_tool
