// SPDX-License-Identifier: MIT
// The parent's ends of the pipes to a child process: byte streams, of which one is read and the other one written.
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
#include "pollux/io/span.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::process {

/// What the child writes to its standard output or error. The end is there when nobody has the other end any more: the child, and those
/// to whom it has handed it on.
///
/// Errors: those of read(2); std::errc::operation_canceled after the end of the runtime in which it has waited.
/// Throws: when polled, no_runtime outside a runtime.
/// Threads: any, one at a time. It may be moved at any time. Dropping it closes the pipe: a child that writes on gets SIGPIPE.
/// Cancel: a read that is dropped while it is pending loses nothing.
/// Cost: no allocation of its own; a system call for a read, and one more when it waits for the first time.
class POLLUX_API [[nodiscard]] pipe_reader : public io::detail::reader_members<pipe_reader> {
public:
    polled<std::size_t, std::error_code> poll_read(context& cx, io::span to);
    /// What is there at once; 0: the end. Errors: also `std::errc::operation_would_block`: nothing yet. Needs no runtime.
    std::expected<std::size_t, std::error_code> try_read(io::span to) noexcept;

    /// The descriptor, which stays with this. It does not block.
    int native_handle() const noexcept { return pipe_.descriptor(); }

    /// For the library.
    explicit pipe_reader(net::detail::source end) noexcept : pipe_(std::move(end)) {}

private:
    net::detail::source pipe_;
};

/// What the child reads from its standard input. Dropping it, or shutdown(), is the end for the child.
///
/// Errors: `std::errc::broken_pipe` when nobody has the other end any more, or after shutdown(); those of write(2);
/// std::errc::operation_canceled after the end of the runtime in which it has waited. SIGPIPE is not raised.
/// Throws: when polled, no_runtime outside a runtime.
/// Threads: any, one at a time. It may be moved at any time.
/// Cancel: a write that is dropped while it is pending has done nothing.
/// Cost: no allocation of its own; for a write two system calls on a worker and three elsewhere, of which all but one keep SIGPIPE away.
class POLLUX_API [[nodiscard]] pipe_writer : public io::detail::writer_members<pipe_writer> {
public:
    polled<std::size_t, std::error_code> poll_write(context& cx, io::const_span bytes);
    /// Ready at once: the pipe has what was taken.
    polled<void, std::error_code> poll_flush(context&) noexcept { return polled<void, std::error_code>::ready(); }
    polled<void, std::error_code> poll_shutdown(context&) noexcept {
        pipe_ = net::detail::source();
        return polled<void, std::error_code>::ready();
    }
    /// As many bytes as there is room for at once. Errors: also `std::errc::operation_would_block`: there is none. Needs no runtime.
    std::expected<std::size_t, std::error_code> try_write(io::const_span bytes) noexcept;

    /// The descriptor, which stays with this, or -1 after shutdown(). It does not block.
    int native_handle() const noexcept { return pipe_.descriptor(); }

    /// For the library.
    explicit pipe_writer(net::detail::source end) noexcept : pipe_(std::move(end)) {}

private:
    net::detail::source pipe_;
};

}  // namespace pollux::inline v0::process
