// SPDX-License-Identifier: MIT
// `buffered`: a byte stream with a buffer in front of its reading side, which makes small reads cheap and gives `read_until`
// and `read_line`.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <expected>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/byte_buffer.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/detail/byte_stream_members.hpp"
#include "pollux/io/detail/frames.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::io {

namespace detail {

using try_answer = std::expected<std::size_t, std::error_code>;
template <class S>
concept try_reader = requires(S& s, span to) {
    { s.try_read(to) } -> std::same_as<try_answer>;
};
template <class S>
concept try_writer = requires(S& s, const_span bytes) {
    { s.try_write(bytes) } -> std::same_as<try_answer>;
};

// `B` is a buffered_stream.
template <class B>
class [[nodiscard]] read_until_future {
public:
    using value_type = std::string;
    using error_type = std::error_code;

    read_until_future(B& source, char delimiter) noexcept : source_(&source), delimiter_(delimiter) {}

    polled<std::string, std::error_code> poll(context& cx) {
        auto found = source_->poll_until(cx, delimiter_);
        if (found.is_pending()) return pending;
        if (found.has_error()) return std::unexpected(found.error());
        return source_->take(found.value());
    }

private:
    B* source_;
    char delimiter_;
};

template <class B>
class [[nodiscard]] read_line_future {
public:
    using value_type = std::optional<std::string>;
    using error_type = std::error_code;

    explicit read_line_future(B& source) noexcept : source_(&source) {}

    polled<std::optional<std::string>, std::error_code> poll(context& cx) {
        auto found = source_->poll_until(cx, '\n');
        if (found.is_pending()) return pending;
        if (found.has_error()) return std::unexpected(found.error());
        std::string line = source_->take(found.value());
        if (line.empty()) return std::nullopt;
        if (line.ends_with("\r\n")) {
            line.resize(line.size() - 2);
        } else if (line.back() == '\n') {
            line.pop_back();
        }
        return line;
    }

private:
    B* source_;
};

template <class S>
class [[nodiscard]] buffered_stream : public std::conditional_t<byte_writer<S>, byte_stream_members<buffered_stream<S>>,
                                                                reader_members<buffered_stream<S>>> {
public:
    explicit buffered_stream(S&& source) : source_(std::move(source)) {}

    /// The bytes up to the first `delimiter`, with it; at the end what is left, perhaps nothing. There is no limit.
    ///
    /// Errors: those of the byte stream; nothing is lost by one. Throws: std::bad_alloc.
    /// Cancel: dropping it while it is pending loses nothing: what was read stays in the buffer.
    /// Cost: time linear in the bytes; one unit of the poll's budget for each read that has no delimiter.
    auto read_until(char delimiter) { return read_until_future<buffered_stream>(*this, delimiter); }

    /// The next line without its end, LF or CR and LF; a last line without an end, too; `std::nullopt` at the end.
    ///
    /// Errors, Throws, Cancel, Cost: as read_until().
    auto read_line() { return read_line_future<buffered_stream>(*this); }

    /// What the buffer holds, or else what the source has at once: its try_read.
    try_answer try_read(span to)
        requires try_reader<S>
    {
        if (in_.empty() || to.empty()) return source_.try_read(to);
        return take_into(to);
    }
    /// The source's.
    try_answer try_write(const_span bytes)
        requires try_writer<S>
    {
        return source_.try_write(bytes);
    }

    count_answer poll_read(context& cx, span to) {
        if (to.empty()) return count_answer(std::size_t{0});
        if (in_.empty()) {
            // Past the buffer, which would be a copy more.
            if (to.size() >= read_room) return source_.poll_read(cx, to);
            auto filled = poll_fill(cx);
            if (!filled.has_value()) return filled;
        } else if (!cx.consume_budget()) {
            return pending;
        }
        return take_into(to);
    }
    count_answer poll_write(context& cx, const_span bytes)
        requires byte_writer<S>
    {
        return source_.poll_write(cx, bytes);
    }
    done_answer poll_flush(context& cx)
        requires byte_writer<S>
    {
        return source_.poll_flush(cx);
    }
    done_answer poll_shutdown(context& cx)
        requires byte_writer<S>
    {
        return source_.poll_shutdown(cx);
    }

private:
    friend class read_until_future<buffered_stream>;
    friend class read_line_future<buffered_stream>;

    // How many bytes of the buffer end with the first `delimiter`; all of them, without it, at the end.
    count_answer poll_until(context& cx, char delimiter) {
        if (std::exchange(scanned_for_, delimiter) != delimiter) scanned_ = 0;
        for (;;) {
            if (scanned_ != in_.size()) {
                const void* const found = std::memchr(in_.data() + scanned_, delimiter, in_.size() - scanned_);
                if (found != nullptr) {
                    if (!cx.consume_budget()) return pending;
                    return static_cast<std::size_t>(static_cast<const char*>(found) - in_.data()) + 1;
                }
                scanned_ = in_.size();
                if (!cx.consume_budget()) return pending;
            }
            auto filled = poll_fill(cx);
            if (!filled.has_value()) return filled;
            if (filled.value() == 0) return in_.size();
        }
    }
    count_answer poll_fill(context& cx) {
        const span room = in_.prepare(read_room);
        auto read = source_.poll_read(cx, room);
        if (read.has_value()) {
            check_count(read.value(), room.size());
            in_.commit(read.value());
        }
        return read;
    }
    std::size_t take_into(span to) noexcept {
        const std::size_t n = to.size() < in_.size() ? to.size() : in_.size();
        if (n != 0) std::memcpy(to.data(), in_.data(), n);
        consumed(n);
        return n;
    }
    std::string take(std::size_t n) {
        std::string taken = in_.take(n);
        consumed_before(n);
        return taken;
    }
    void consumed(std::size_t n) noexcept {
        in_.consume(n);
        consumed_before(n);
    }
    void consumed_before(std::size_t n) noexcept { scanned_ = scanned_ > n ? scanned_ - n : 0; }

    S source_;
    byte_buffer in_;
    std::size_t scanned_ = 0;  // bytes of the buffer that hold no scanned_for_
    char scanned_for_ = '\n';
};

}  // namespace detail

/// The byte stream `s`, which it takes over, with a buffer for reading. It is a byte stream that has `read_until(delimiter)`
/// and `read_line()`, too. Writes go straight through; so does `try_write` where `s` has it. `try_read`, where `s` has it, gives
/// what was read ahead first.
///
/// Errors: those of `s`. Threads: may be moved while nothing that was made from it is pending; used by one at a time.
/// Cancel: a read that is dropped while it is pending loses nothing. Dropping the object loses what was read ahead.
/// Cost: a buffer of 8 KiB from the first read on, more for longer lines.
template <detail::nearly_byte_stream S>
auto buffered(S&& s) {
    static_assert(byte_reader<S>,
                  "pollux: io::buffered: the argument is no byte stream that can be read; it needs poll_read(context&, "
                  "io::span) that returns exactly polled<std::size_t, std::error_code>");
    static_assert(!std::is_lvalue_reference_v<S>,
                  "pollux: io::buffered: the byte stream is an lvalue, and it would be owned; pass std::move(s)");
    if constexpr (byte_reader<S> && !std::is_lvalue_reference_v<S>) return detail::buffered_stream<S>(std::move(s));
}

/// The member of what `buffered` gives: the bytes up to the first `delimiter`, with it. `from` must outlive the future.
template <class S>
auto read_until(detail::buffered_stream<S>& from, char delimiter) {
    return from.read_until(delimiter);
}

/// The member of what `buffered` gives: the next line. `from` must outlive the future.
template <class S>
auto read_line(detail::buffered_stream<S>& from) {
    return from.read_line();
}

}  // namespace pollux::inline v0::io
