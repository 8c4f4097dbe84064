// SPDX-License-Identifier: MIT
// The codec of lines; the code is in lib/io/lines_codec.cpp.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <system_error>

#include "pollux/core/export.hpp"
#include "pollux/io/byte_buffer.hpp"
#include "pollux/io/codec.hpp"

namespace pollux::inline v0::io {

/// Items are lines without their end: LF, or CR and LF. A last line without an end is given too. What a line consists of is
/// not looked at: it need not be text. Encoding puts a LF behind the item, whatever is in that.
///
/// Errors: `errc::line_too_long`, once for each line of more than `max` bytes, not counting its end; then on with the next
/// line.
/// Cost: time linear in the bytes, however they arrive; at most about `max` bytes of a line that is too long are held.
class lines_codec {
public:
    static constexpr std::size_t unlimited = static_cast<std::size_t>(-1);
    static constexpr bool goes_on_after_error = true;

    lines_codec(std::size_t max = unlimited) noexcept : max_(max) {}

    POLLUX_API decoded decode(byte_buffer& in);
    POLLUX_API decoded decode_end(byte_buffer& in);
    POLLUX_API std::expected<void, std::error_code> encode(std::string item, byte_buffer& out);

private:
    bool is_too_long(const byte_buffer& in) const noexcept;

    std::size_t max_;
    std::size_t scanned_ = 0;     // bytes of the buffer that hold no LF
    bool is_discarding_ = false;  // up to the end of a line that was too long
};

}  // namespace pollux::inline v0::io
