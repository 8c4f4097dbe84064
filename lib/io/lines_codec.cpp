// SPDX-License-Identifier: MIT
// Looking for line ends: each byte is looked at once, for the codec remembers how far it has come.
#include "pollux/io/lines_codec.hpp"

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "pollux/io/errc.hpp"

namespace pollux::inline v0::io {

// Of an unfinished line: a CR that stands just behind the limit may be the first half of its end.
bool lines_codec::is_too_long(const byte_buffer& in) const noexcept {
    const std::size_t n = in.size();
    return n > max_ && (n - max_ > 1 || in.data()[max_] != '\r');
}

decoded lines_codec::decode(byte_buffer& in) {
    for (;;) {
        const void* const found =
            in.size() == scanned_ ? nullptr : std::memchr(in.data() + scanned_, '\n', in.size() - scanned_);
        if (found == nullptr) {
            if (is_discarding_) {
                in.consume(in.size());
                scanned_ = 0;
            } else {
                scanned_ = in.size();
                if (is_too_long(in)) {
                    is_discarding_ = true;
                    return std::unexpected(errc::line_too_long);
                }
            }
            return std::nullopt;
        }
        const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - in.data());
        scanned_ = 0;
        if (std::exchange(is_discarding_, false)) {
            in.consume(end + 1);
            continue;
        }
        const std::size_t length = end != 0 && in.data()[end - 1] == '\r' ? end - 1 : end;
        if (length > max_) {
            in.consume(end + 1);
            return std::unexpected(errc::line_too_long);
        }
        std::string line(in.data(), length);
        in.consume(end + 1);
        return line;
    }
}

decoded lines_codec::decode_end(byte_buffer& in) {
    decoded line = decode(in);
    if (!line.has_value() || line->has_value() || in.empty()) return line;
    scanned_ = 0;
    if (in.size() > max_) {
        in.consume(in.size());
        return std::unexpected(errc::line_too_long);
    }
    return in.take(in.size());
}

std::expected<void, std::error_code> lines_codec::encode(std::string item, byte_buffer& out) {
    item += '\n';
    out.append(item);
    return {};
}

}  // namespace pollux::inline v0::io
