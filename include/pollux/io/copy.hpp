// SPDX-License-Identifier: MIT
// `copy`: all bytes of one byte stream into another; `copy_bidirectional`: between two, both ways.
#pragma once

#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/detail/copying.hpp"

namespace pollux::inline v0::io {

namespace detail {

// In both of these they are the byte streams, or references to them.
template <class S, class K>
class [[nodiscard]] copy_future {
public:
    using value_type = std::uint64_t;
    using error_type = std::error_code;

    copy_future(S&& from, K&& to) : from_(std::forward<S>(from)), to_(std::forward<K>(to)) {}

    polled<std::uint64_t, std::error_code> poll(context& cx) { return copying_.poll(cx, from_, to_, copy_end::flush); }

private:
    S from_;
    K to_;
    copying copying_;
};

template <class A, class B>
class [[nodiscard]] copy_bidirectional_future {
public:
    using value_type = std::pair<std::uint64_t, std::uint64_t>;
    using error_type = std::error_code;

    copy_bidirectional_future(A&& a, B&& b) : a_(std::forward<A>(a)), b_(std::forward<B>(b)) {}

    polled<value_type, std::error_code> poll(context& cx) {
        auto forth = poll_way(cx, forth_, a_, b_);
        if (forth.has_error()) return std::unexpected(forth.error());
        auto back = poll_way(cx, back_, b_, a_);
        if (back.has_error()) return std::unexpected(back.error());
        if (forth.is_pending() || back.is_pending()) return pending;
        return value_type(forth.value(), back.value());
    }

private:
    struct way {
        copying bytes;
        std::optional<std::uint64_t> copied;  // once it has ended
    };

    template <class S, class K>
    static polled<std::uint64_t, std::error_code> poll_way(context& cx, way& one, S& from, K& to) {
        if (!one.copied.has_value()) {
            auto copied = one.bytes.poll(cx, from, to, copy_end::shutdown);
            if (!copied.has_value()) return copied;
            one.copied = copied.value();
        }
        return *one.copied;
    }

    A a_;
    B b_;
    way forth_;
    way back_;
};

}  // namespace detail

/// Reads `from` to its end and writes all of it to `to`, which it flushes at the end and whenever `from` has nothing at hand,
/// and does not shut down: the number of bytes. Lvalues are used where they are and must outlive the future; temporaries are
/// owned.
///
/// Errors: those of either; `errc::write_zero` if `to` takes none of the bytes. Throws: std::bad_alloc.
/// Cancel: what was written stays written; up to 8 KiB that were read and not yet written are lost. After an error too.
/// Cost: one allocation of 8 KiB at the first poll; one unit of the poll's budget for each read and each write, so that it
/// yields if both are always ready.
template <detail::nearly_byte_stream S, detail::nearly_byte_stream K>
auto copy(S&& from, K&& to) {
    static_assert(
        byte_reader<S>,
        "pollux: io::copy: the first argument is no byte stream that can be read; it needs poll_read(context&, "
        "io::span) that returns exactly polled<std::size_t, std::error_code>");
    static_assert(byte_writer<K>,
                  "pollux: io::copy: the second argument is no byte stream that can be written; it needs "
                  "poll_write(context&, io::const_span), poll_flush(context&) and poll_shutdown(context&)");
    static_assert(detail::can_be_polled<S> && detail::can_be_polled<K>,
                  "pollux: io::copy: a byte stream is const; reading and writing change it");
    if constexpr (byte_reader<S> && byte_writer<K> && detail::can_be_polled<S> && detail::can_be_polled<K>)
        return detail::copy_future<S, K>(std::forward<S>(from), std::forward<K>(to));
}

/// Copies both ways at once until both have come to their ends: what `a` gives to `b`, and what `b` gives to `a`. At the end
/// of one of them the other is shut down, and its answers still come back. The two numbers of bytes, that of `a` first.
/// Lvalues and temporaries as for `copy`.
///
/// Errors: the first of either, at once; the other way stops half way. Else as `copy`, with one buffer each way.
template <detail::nearly_byte_stream A, detail::nearly_byte_stream B>
auto copy_bidirectional(A&& a, B&& b) {
    static_assert(
        byte_stream<A> && byte_stream<B>,
        "pollux: io::copy_bidirectional: an argument is no byte stream; it needs poll_read(context&, io::span), "
        "poll_write(context&, io::const_span), poll_flush(context&) and poll_shutdown(context&)");
    static_assert(detail::can_be_polled<A> && detail::can_be_polled<B>,
                  "pollux: io::copy_bidirectional: a byte stream is const; reading and writing change it");
    if constexpr (byte_stream<A> && byte_stream<B> && detail::can_be_polled<A> && detail::can_be_polled<B>)
        return detail::copy_bidirectional_future<A, B>(std::forward<A>(a), std::forward<B>(b));
}

}  // namespace pollux::inline v0::io
