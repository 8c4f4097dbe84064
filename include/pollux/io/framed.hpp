// SPDX-License-Identifier: MIT
// `framed`: a byte stream and a codec as a stream and sink of items.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/codec.hpp"
#include "pollux/io/detail/frames.hpp"

namespace pollux::inline v0::io {

namespace detail {

struct nothing {};

template <class S, class C>
class [[nodiscard]] framed_stream {
public:
    using value_type = std::string;
    using item_type = std::string;
    using error_type = std::error_code;

    framed_stream(S&& s, C&& how) : s_(std::move(s)), how_(std::move(how)) {}

    frame_input::answer poll_next(context& cx)
        requires byte_reader<S>
    {
        return in_.poll_next(cx, s_, how_);
    }
    done_answer poll_ready(context& cx)
        requires byte_writer<S>
    {
        return out_.poll_ready(cx, s_);
    }
    std::expected<void, std::error_code> start_send(std::string item)
        requires byte_writer<S>
    {
        return out_.start_send(std::move(item), how_);
    }
    done_answer poll_flush(context& cx)
        requires byte_writer<S>
    {
        return out_.poll_flush(cx, s_);
    }
    done_answer poll_close(context& cx)
        requires byte_writer<S>
    {
        return out_.poll_close(cx, s_);
    }

private:
    S s_;
    C how_;
    [[no_unique_address]] std::conditional_t<byte_reader<S>, frame_input, nothing> in_;
    [[no_unique_address]] std::conditional_t<byte_writer<S>, frame_output, nothing> out_;
};

}  // namespace detail

/// The byte stream `s`, which it takes over, as a stream of the frames that are read and a sink of those to be written, all
/// `std::string`, as the codec `how` says: `lines_codec`, `length_codec`, `bytes_codec`, or one's own. A half of `split` is a
/// stream or a sink only. Sending buffers up to 8 KiB before it waits for `s`; closing flushes and shuts down `s`.
///
/// Errors: those of the codec, which say what comes after them; those of `s`: reading ends with one. A frame that is
/// unfinished at the end is `errc::unexpected_end`. Throws: std::bad_alloc.
/// Threads: may be moved at any time; polled by one at a time. pollux::split makes two halves of it.
/// Cancel: dropping a pending `next` loses nothing. Frames that were sent and not flushed are lost with it.
/// Cost: a buffer of 8 KiB for what is read, more for larger frames, and one for what is written; an allocation for each
/// frame that is too long for a string's own place. One unit of the poll's budget for each read that makes no frame.
template <detail::nearly_byte_stream S, class C>
auto framed(S&& s, C how) {
    constexpr bool is_byte_stream = byte_reader<S> || byte_writer<S>;
    static_assert(
        is_byte_stream,
        "pollux: io::framed: the first argument is no byte stream; it needs poll_read(context&, io::span), or "
        "poll_write(context&, io::const_span), poll_flush(context&) and poll_shutdown(context&), or all of them");
    static_assert(!std::is_lvalue_reference_v<S>,
                  "pollux: io::framed: the byte stream is an lvalue, and it would be owned; pass std::move(s)");
    static_assert(
        codec<C>,
        "pollux: io::framed: the second argument is no codec; it needs decode(byte_buffer&), decode_end(byte_buffer&), "
        "encode(std::string, byte_buffer&) and goes_on_after_error, as io::codec says");
    if constexpr (is_byte_stream && !std::is_lvalue_reference_v<S> && codec<C>)
        return detail::framed_stream<S, C>(std::move(s), std::move(how));
}

}  // namespace pollux::inline v0::io
