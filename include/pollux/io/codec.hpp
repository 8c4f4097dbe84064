// SPDX-License-Identifier: MIT
// What a codec is: how items become bytes and bytes become items. `framed` and `lines` call it; the library's are lines_codec,
// length_codec and bytes_codec.
#pragma once

#include <concepts>
#include <expected>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/io/byte_buffer.hpp"

namespace pollux::inline v0::io {

/// What a codec makes of the bytes at hand: an item, whose bytes it has consumed; `std::nullopt`, it needs more; or an error.
using decoded = std::expected<std::optional<std::string>, std::error_code>;

/// A codec is movable and has
///
///   decoded decode(byte_buffer& in)        when bytes have come, and again after each item or error
///   decoded decode_end(byte_buffer& in)    when no more will come, until it gives std::nullopt
///   std::expected<void, std::error_code> encode(std::string item, byte_buffer& out)
///   static constexpr bool goes_on_after_error    false: an error of decode is the last that the stream gives
template <class C>
concept codec = std::move_constructible<C> && requires(C& c, byte_buffer& buffer, std::string item) {
    { c.decode(buffer) } -> std::same_as<decoded>;
    { c.decode_end(buffer) } -> std::same_as<decoded>;
    { c.encode(std::move(item), buffer) } -> std::same_as<std::expected<void, std::error_code>>;
    { std::bool_constant<C::goes_on_after_error>{} };
};

}  // namespace pollux::inline v0::io
