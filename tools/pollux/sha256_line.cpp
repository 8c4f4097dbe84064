// SPDX-License-Identifier: MIT
// The line of one file. See the header for the rules.

#include "sha256_line.hpp"

namespace pollux_tool {

void append_sha256(std::string& out, const sha256_digest& digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const auto byte : digest) {
        out += digits[std::to_integer<unsigned>(byte >> 4)];
        out += digits[std::to_integer<unsigned>(byte & std::byte{15})];
    }
}

void append_sha256_line(std::string& out, const sha256_digest& digest, std::string_view path) {
    const bool escaped = path.find_first_of("\\\n\r") != path.npos;
    if (escaped) out += '\\';
    append_sha256(out, digest);
    out += "  ";
    if (!escaped) {
        out += path;
    } else {
        for (const char c : path) {
            switch (c) {
                case '\\': out += "\\\\"; break;
                case '\n': out += "\\n"; break;
                case '\r': out += "\\r"; break;
                default: out += c;
            }
        }
    }
    out += '\n';
}

}  // namespace pollux_tool
