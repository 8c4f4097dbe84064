// SPDX-License-Identifier: MIT
// Reading from a byte stream as a future: `read`, `read_some`, `read_exact`, `read_to_end`.
#pragma once

#include <cstddef>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/errc.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::io {

namespace detail {

// In all of these `S` is the byte stream, or a reference to it.
template <class S>
class [[nodiscard]] read_future {
public:
    using value_type = std::size_t;
    using error_type = std::error_code;

    read_future(S&& source, span to) : source_(std::forward<S>(source)), to_(to) {}

    count_answer poll(context& cx) { return source_.poll_read(cx, to_); }

private:
    S source_;
    span to_;
};

template <class S>
class [[nodiscard]] read_some_future {
    // Of one read, whatever was asked for: it is taken, and filled with zeros, before it is known what there is. A guess.
    static constexpr std::size_t most_room = 1024 * 1024;

public:
    using value_type = std::string;
    using error_type = std::error_code;

    read_some_future(S&& source, std::size_t max)
        : source_(std::forward<S>(source)), room_(max < most_room ? max : most_room) {}

    polled<std::string, std::error_code> poll(context& cx) {
        // Made anew in each poll: thousands of connections that wait hold no memory.
        std::string bytes(room_, '\0');
        auto read = source_.poll_read(cx, bytes);
        if (read.is_pending()) return pending;
        if (read.has_error()) return std::unexpected(read.error());
        check_count(read.value(), room_);
        bytes.resize(read.value());
        // Who keeps many short strings keeps no room of long ones. A guess: below that it would cost more than it gives.
        if (bytes.size() < bytes.capacity() / 4) bytes.shrink_to_fit();
        return bytes;
    }

private:
    S source_;
    std::size_t room_;
};

template <class S>
class [[nodiscard]] read_exact_future {
public:
    using value_type = void;
    using error_type = std::error_code;

    read_exact_future(S&& source, span to) : source_(std::forward<S>(source)), left_(to) {}

    done_answer poll(context& cx) {
        while (!left_.empty()) {
            auto read = source_.poll_read(cx, left_);
            if (read.is_pending()) return pending;
            if (read.has_error()) return std::unexpected(read.error());
            if (read.value() == 0) return std::unexpected(errc::unexpected_end);
            left_ = left_.subspan(read.value());
            if (!left_.empty() && !cx.consume_budget()) return pending;
        }
        return done_answer::ready();
    }

private:
    S source_;
    span left_;
};

template <class S>
class [[nodiscard]] read_to_end_future {
    // Bytes of the first room: a guess that suits a short answer. It doubles from there.
    static constexpr std::size_t first_room = 1024;

public:
    using value_type = std::string;
    using error_type = std::error_code;

    explicit read_to_end_future(S&& source) : source_(std::forward<S>(source)) {}

    polled<std::string, std::error_code> poll(context& cx) {
        for (;;) {
            if (size_ == bytes_.size()) bytes_.resize(size_ == 0 ? first_room : 2 * size_);
            const span room(bytes_.data() + size_, bytes_.size() - size_);
            auto read = source_.poll_read(cx, room);
            if (read.is_pending()) return pending;
            if (read.has_error()) return std::unexpected(read.error());
            if (read.value() == 0) {
                bytes_.resize(size_);
                return std::move(bytes_);
            }
            check_count(read.value(), room.size());
            size_ += read.value();
            if (!cx.consume_budget()) return pending;
        }
    }

private:
    S source_;
    std::string bytes_;     // its size is the room that there is
    std::size_t size_ = 0;  // what was read
};

}  // namespace detail

/// Reads at most as many bytes as `to` has room for: the number of bytes, 0 at the end. An lvalue `s` is used where it is and
/// must outlive the future, as must what `to` points to; a temporary is owned.
///
/// Errors: those of `s`. Cancel: dropping it while it is pending loses nothing. Cost: nothing beside the poll of `s`.
template <detail::nearly_byte_stream S>
auto read(S&& s, span to) {
    static_assert(
        byte_reader<S>,
        "pollux: io::read: the first argument is no byte stream that can be read; it needs poll_read(context&, "
        "io::span) that returns exactly polled<std::size_t, std::error_code>");
    static_assert(detail::can_be_polled<S>, "pollux: io::read: the byte stream is const; reading changes it");
    if constexpr (byte_reader<S> && detail::can_be_polled<S>) return detail::read_future<S>(std::forward<S>(s), to);
}

/// Reads at most `max` bytes, and at most 1 MiB, into a string of its own; empty at the end. `s` as for `read`.
///
/// Errors: those of `s`. Throws: std::bad_alloc. Cancel: dropping it while it is pending loses nothing.
/// Cost: one allocation a poll, of `max` bytes but not more than 1 MiB, given back if it is pending; one more if much less has come.
template <detail::nearly_byte_stream S>
auto read_some(S&& s, std::size_t max) {
    static_assert(byte_reader<S>,
                  "pollux: io::read_some: the first argument is no byte stream that can be read; it needs "
                  "poll_read(context&, io::span) that returns exactly polled<std::size_t, std::error_code>");
    static_assert(detail::can_be_polled<S>, "pollux: io::read_some: the byte stream is const; reading changes it");
    if constexpr (byte_reader<S> && detail::can_be_polled<S>)
        return detail::read_some_future<S>(std::forward<S>(s), max);
}

/// Fills `to`. Ready at once if that is empty. `s` as for `read`.
///
/// Errors: those of `s`; `errc::unexpected_end` if the end comes first. The front of `to` may be filled then.
/// Cancel: bytes that are in `to` have left `s`, and how many there are is not known.
/// Cost: one unit of the poll's budget for each further read.
template <detail::nearly_byte_stream S>
auto read_exact(S&& s, span to) {
    static_assert(byte_reader<S>,
                  "pollux: io::read_exact: the first argument is no byte stream that can be read; it needs "
                  "poll_read(context&, io::span) that returns exactly polled<std::size_t, std::error_code>");
    static_assert(detail::can_be_polled<S>, "pollux: io::read_exact: the byte stream is const; reading changes it");
    if constexpr (byte_reader<S> && detail::can_be_polled<S>)
        return detail::read_exact_future<S>(std::forward<S>(s), to);
}

/// All bytes up to the end. `s` as for `read`. There is no limit: of a peer that is not trusted, read lines or frames instead.
///
/// Errors: those of `s`; what was read before is lost. Throws: std::bad_alloc.
/// Cancel: what was read so far is lost.
/// Cost: an allocation each time that the room doubles; one unit of the poll's budget for each read.
template <detail::nearly_byte_stream S>
auto read_to_end(S&& s) {
    static_assert(byte_reader<S>,
                  "pollux: io::read_to_end: the argument is no byte stream that can be read; it needs "
                  "poll_read(context&, io::span) that returns exactly polled<std::size_t, std::error_code>");
    static_assert(detail::can_be_polled<S>, "pollux: io::read_to_end: the byte stream is const; reading changes it");
    if constexpr (byte_reader<S> && detail::can_be_polled<S>) return detail::read_to_end_future<S>(std::forward<S>(s));
}

}  // namespace pollux::inline v0::io
