// SPDX-License-Identifier: MIT
// `lines`: a byte stream as a stream of its lines.
#pragma once

#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/detail/frames.hpp"
#include "pollux/io/lines_codec.hpp"

namespace pollux::inline v0::io {

namespace detail {

template <class S>
class [[nodiscard]] lines_stream {
public:
    using value_type = std::string;
    using error_type = std::error_code;

    explicit lines_stream(S&& source) : source_(std::move(source)) {}

    frame_input::answer poll_next(context& cx) { return in_.poll_next(cx, source_, how_); }

private:
    S source_;
    lines_codec how_;
    frame_input in_;
};

}  // namespace detail

/// The lines of the byte stream `s`, which it takes over, without their ends, as `lines_codec` gives them. There is no limit
/// to their length: for one, `framed(s, lines_codec{max})`.
///
/// Errors: those of `s`, which end it. Throws: std::bad_alloc. Threads: may be moved at any time; polled by one at a time.
/// Cancel: dropping a pending `next` loses nothing.
/// Cost: a buffer of 8 KiB, more for longer lines; an allocation for each line that is too long for a string's own place. One
/// unit of the poll's budget for each read that makes no line.
template <detail::nearly_byte_stream S>
auto lines(S&& s) {
    static_assert(byte_reader<S>,
                  "pollux: io::lines: the argument is no byte stream that can be read; it needs poll_read(context&, "
                  "io::span) that returns exactly polled<std::size_t, std::error_code>");
    static_assert(!std::is_lvalue_reference_v<S>,
                  "pollux: io::lines: the byte stream is an lvalue, and it would be owned; pass std::move(s)");
    if constexpr (byte_reader<S> && !std::is_lvalue_reference_v<S>) return detail::lines_stream<S>(std::move(s));
}

}  // namespace pollux::inline v0::io
