// SPDX-License-Identifier: MIT
#include "pollux/io/length_codec.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "pollux/io/errc.hpp"

namespace pollux::inline v0::io {

namespace {

constexpr std::size_t header_bytes = 4;

std::size_t length_at(const char* bytes) noexcept {
    std::size_t length = 0;
    for (std::size_t i = 0; i != header_bytes; ++i) length = length << 8 | static_cast<unsigned char>(bytes[i]);
    return length;
}

}  // namespace

decoded length_codec::decode(byte_buffer& in) {
    if (in.size() < header_bytes) return std::nullopt;
    const std::size_t length = length_at(in.data());
    if (length > max_) return std::unexpected(errc::frame_too_long);
    if (in.size() - header_bytes < length) return std::nullopt;
    std::string item(in.data() + header_bytes, length);
    in.consume(header_bytes + length);
    return item;
}

decoded length_codec::decode_end(byte_buffer& in) {
    decoded item = decode(in);
    if (!item.has_value() || item->has_value() || in.empty()) return item;
    return std::unexpected(errc::unexpected_end);
}

std::expected<void, std::error_code> length_codec::encode(std::string item, byte_buffer& out) {
    const std::size_t length = item.size();
    if (length > max_ || length > 0xffff'ffff) return std::unexpected(errc::frame_too_long);
    const char header[header_bytes] = {static_cast<char>(length >> 24 & 0xff), static_cast<char>(length >> 16 & 0xff),
                                       static_cast<char>(length >> 8 & 0xff), static_cast<char>(length & 0xff)};
    out.prepare(header_bytes + length);  // so that both are in it, or neither
    out.append(const_span(header, header_bytes));
    out.append(item);
    return {};
}

}  // namespace pollux::inline v0::io
