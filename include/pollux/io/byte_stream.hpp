// SPDX-License-Identifier: MIT
// What a byte stream is: four members that are polled, without a base class. All functions of io/ take any type that has
// those that they need: sockets, duplex, buffered, or a user's own.
//
// The contract of the members:
//   poll_read      puts bytes into the span and says how many; 0 is the end, or the span was empty. Pending: it has touched none.
//   poll_write     takes bytes from the front and says how many: fewer than there are is no error, 0 of some is one.
//   poll_flush     ready when what was taken is where it belongs
//   poll_shutdown  flushes, then the other side finds the end: nothing is written after that
// As leaves they ask `cx.consume_budget()` before they give a result. One waker is kept for reading and one for writing.
#pragma once

#include <concepts>
#include <cstddef>
#include <system_error>
#include <type_traits>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::io {

/// `s.poll_read(context&, span)` returns exactly `polled<std::size_t, std::error_code>`. References are looked through.
template <class S>
concept byte_reader = requires(std::remove_cvref_t<S>& s, context& cx, span to) {
    { s.poll_read(cx, to) } -> std::same_as<polled<std::size_t, std::error_code>>;
};

/// `s.poll_write(context&, const_span)` returns exactly `polled<std::size_t, std::error_code>`; `s.poll_flush(context&)` and
/// `s.poll_shutdown(context&)` return exactly `polled<void, std::error_code>`.
template <class S>
concept byte_writer = requires(std::remove_cvref_t<S>& s, context& cx, const_span bytes) {
    { s.poll_write(cx, bytes) } -> std::same_as<polled<std::size_t, std::error_code>>;
    { s.poll_flush(cx) } -> std::same_as<polled<void, std::error_code>>;
    { s.poll_shutdown(cx) } -> std::same_as<polled<void, std::error_code>>;
};

/// Both.
template <class S>
concept byte_stream = byte_reader<S> && byte_writer<S>;

namespace detail {

/// Has something of a byte stream. The functions of io/ are for these only: under `using namespace pollux::io` they leave
/// descriptors, iterators and streams of objects alone.
template <class S>
concept nearly_byte_stream = byte_reader<S> || byte_writer<S> || requires { &std::remove_cvref_t<S>::poll_read; } ||
                             requires { &std::remove_cvref_t<S>::poll_write; };

template <class S>
inline constexpr bool can_be_polled = !std::is_const_v<std::remove_reference_t<S>>;

inline void check_count(std::size_t n, std::size_t size) noexcept {
    pollux::detail::debug_check(
        n <= size,
        "pollux: io: a byte stream answered with more bytes than it was given; its poll_read or poll_write is wrong");
}

using count_answer = polled<std::size_t, std::error_code>;
using done_answer = polled<void, std::error_code>;

}  // namespace detail

}  // namespace pollux::inline v0::io
