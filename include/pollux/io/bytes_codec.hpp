// SPDX-License-Identifier: MIT
// The codec of bytes as they come.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <system_error>

#include "pollux/io/byte_buffer.hpp"
#include "pollux/io/codec.hpp"

namespace pollux::inline v0::io {

/// An item is whatever bytes have come, at least one; where items begin and end does not survive the way. It cannot fail.
class bytes_codec {
public:
    static constexpr bool goes_on_after_error = true;

    bytes_codec() noexcept = default;

    decoded decode(byte_buffer& in) {
        if (in.empty()) return std::nullopt;
        return in.take(in.size());
    }
    decoded decode_end(byte_buffer& in) { return decode(in); }
    std::expected<void, std::error_code> encode(std::string item, byte_buffer& out) {
        out.append(item);
        return {};
    }
};

}  // namespace pollux::inline v0::io
