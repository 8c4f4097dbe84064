// SPDX-License-Identifier: MIT
// `duplex`: two byte streams in memory, each of which reads what is written to the other. For tests, and between tasks of one
// process.
//
// Each direction is a pipe (io/detail/pipe.hpp) with an end in either stream.
#pragma once

#include <cstddef>
#include <expected>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/detail/byte_stream_members.hpp"
#include "pollux/io/detail/pipe.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::io {

namespace detail {

inline constexpr const char* duplex_moved_from =
    "pollux: io::duplex: a stream was used after it was moved from; use the one it went to";

struct duplex_making;

}  // namespace detail

/// The half of a duplex stream that is read. Dropping it lets the other side's writes fail with `std::errc::broken_pipe`.
///
/// Threads: any, one at a time, at the same time as the other half and the other side. It may be moved at any time.
class [[nodiscard]] duplex_reader : public detail::reader_members<duplex_reader> {
public:
    duplex_reader(duplex_reader&& other) noexcept : pipe_(std::exchange(other.pipe_, nullptr)) {}
    duplex_reader& operator=(duplex_reader other) noexcept {
        std::swap(pipe_, other.pipe_);
        return *this;
    }
    ~duplex_reader() {
        if (pipe_ != nullptr) detail::pipe::leave(pipe_, detail::pipe_end::reader);
    }

    polled<std::size_t, std::error_code> poll_read(context& cx, span to) {
        pollux::detail::debug_check(pipe_ != nullptr, detail::duplex_moved_from);
        return pipe_->poll_read(cx, to);
    }
    /// What is there at once; 0: the end. Errors: `std::errc::operation_would_block`: nothing yet.
    std::expected<std::size_t, std::error_code> try_read(span to) noexcept {
        pollux::detail::debug_check(pipe_ != nullptr, detail::duplex_moved_from);
        return pipe_->try_read(to);
    }

private:
    friend detail::duplex_making;

    explicit duplex_reader(detail::pipe* shared) noexcept : pipe_(shared) {}

    detail::pipe* pipe_;
};

/// The half of a duplex stream that is written. Dropping it is the end for the other side, once that has read what was written.
///
/// Errors: `std::errc::broken_pipe` once the other side's reader has gone, or after `shutdown()`.
/// Threads: any, one at a time, at the same time as the other half and the other side. It may be moved at any time.
class [[nodiscard]] duplex_writer : public detail::writer_members<duplex_writer> {
public:
    duplex_writer(duplex_writer&& other) noexcept : pipe_(std::exchange(other.pipe_, nullptr)) {}
    duplex_writer& operator=(duplex_writer other) noexcept {
        std::swap(pipe_, other.pipe_);
        return *this;
    }
    ~duplex_writer() {
        if (pipe_ != nullptr) detail::pipe::leave(pipe_, detail::pipe_end::writer);
    }

    polled<std::size_t, std::error_code> poll_write(context& cx, const_span bytes) {
        pollux::detail::debug_check(pipe_ != nullptr, detail::duplex_moved_from);
        return pipe_->poll_write(cx, bytes);
    }
    /// Ready at once: what was taken can be read.
    polled<void, std::error_code> poll_flush(context&) noexcept { return polled<void, std::error_code>::ready(); }
    polled<void, std::error_code> poll_shutdown(context&) noexcept {
        pollux::detail::debug_check(pipe_ != nullptr, detail::duplex_moved_from);
        pipe_->shut();
        return polled<void, std::error_code>::ready();
    }
    /// As many bytes as there is room for at once. Errors: also `std::errc::operation_would_block`: there is none.
    std::expected<std::size_t, std::error_code> try_write(const_span bytes) noexcept {
        pollux::detail::debug_check(pipe_ != nullptr, detail::duplex_moved_from);
        return pipe_->try_write(bytes);
    }

private:
    friend detail::duplex_making;

    explicit duplex_writer(detail::pipe* shared) noexcept : pipe_(shared) {}

    detail::pipe* pipe_;
};

/// One of the two streams of `duplex`.
class [[nodiscard]] duplex_stream : public detail::byte_stream_members<duplex_stream> {
public:
    polled<std::size_t, std::error_code> poll_read(context& cx, span to) { return reader_.poll_read(cx, to); }
    polled<std::size_t, std::error_code> poll_write(context& cx, const_span bytes) {
        return writer_.poll_write(cx, bytes);
    }
    polled<void, std::error_code> poll_flush(context& cx) noexcept { return writer_.poll_flush(cx); }
    polled<void, std::error_code> poll_shutdown(context& cx) noexcept { return writer_.poll_shutdown(cx); }

    std::expected<std::size_t, std::error_code> try_read(span to) noexcept { return reader_.try_read(to); }
    std::expected<std::size_t, std::error_code> try_write(const_span bytes) noexcept {
        return writer_.try_write(bytes);
    }

    /// What `split` gives: no allocation, and no lock between the halves.
    std::pair<duplex_reader, duplex_writer> into_halves() && noexcept {
        return {std::move(reader_), std::move(writer_)};
    }

private:
    friend detail::duplex_making;

    duplex_stream(duplex_reader reader, duplex_writer writer) noexcept
        : reader_(std::move(reader)), writer_(std::move(writer)) {}

    duplex_reader reader_;
    duplex_writer writer_;
};

namespace detail {

struct duplex_making {
    POLLUX_API static std::pair<duplex_stream, duplex_stream> make(std::size_t capacity);
};

}  // namespace detail

/// Two byte streams, each of which reads what is written to the other. Each direction holds `capacity` bytes; a write that
/// finds no room waits. A stream that is dropped, or a half of it after `split()`, closes its directions: the other side
/// reads what is left and then the end, its writes fail with `std::errc::broken_pipe`. An empty read or write is 0 while the
/// direction is open.
///
/// Throws: std::invalid_argument if `capacity` is 0; std::bad_alloc.
/// Threads: the streams, and the halves of each, from any, each by one at a time.
/// Cancel: a read or write that is dropped while it is pending has done nothing.
/// Cost: four allocations; one short lock, held for the copy, and one more for a look at it, each read and write.
inline std::pair<duplex_stream, duplex_stream> duplex(std::size_t capacity) {
    return detail::duplex_making::make(capacity);
}

}  // namespace pollux::inline v0::io
