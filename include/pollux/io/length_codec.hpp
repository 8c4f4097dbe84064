// SPDX-License-Identifier: MIT
// The codec of frames that begin with their length; the code is in lib/io/length_codec.cpp.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <system_error>

#include "pollux/core/export.hpp"
#include "pollux/io/byte_buffer.hpp"
#include "pollux/io/codec.hpp"

namespace pollux::inline v0::io {

/// A frame is the length of the item in four bytes, the highest first, then the item.
///
/// Errors: `errc::frame_too_long`, for an item to be sent and for a frame to be read, of which the error comes with its
/// length, before any of its payload; `errc::unexpected_end` if the bytes end within a frame. Either of these ends the stream
/// of frames.
/// Cost: time linear in the bytes; room grows with the bytes that come, not with the length that is announced.
class length_codec {
public:
    // Bytes: 8 MiB, a guess: most messages are far smaller, and a peer may make us hold that much for each connection.
    static constexpr std::size_t default_max = std::size_t{8} << 20;
    static constexpr bool goes_on_after_error = false;

    length_codec(std::size_t max = default_max) noexcept : max_(max) {}

    POLLUX_API decoded decode(byte_buffer& in);
    POLLUX_API decoded decode_end(byte_buffer& in);
    POLLUX_API std::expected<void, std::error_code> encode(std::string item, byte_buffer& out);

private:
    std::size_t max_;
};

}  // namespace pollux::inline v0::io
