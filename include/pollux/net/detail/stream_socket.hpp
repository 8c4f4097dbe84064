// SPDX-License-Identifier: MIT
// What a tcp_stream and a unix_stream have in common, which is nearly all: the members of a byte stream over a connected socket.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/detail/byte_stream_members.hpp"
#include "pollux/io/span.hpp"
#include "pollux/net/detail/basic_socket.hpp"
#include "pollux/net/detail/byte_operations.hpp"
#include "pollux/net/detail/operation.hpp"
#include "pollux/net/halves.hpp"

namespace pollux::inline v0::net::detail {

/// Errors of what writes: `std::errc::broken_pipe` once the peer reads no more; there is no SIGPIPE. Of what reads and writes:
/// `std::errc::connection_reset`, and `std::errc::operation_canceled` once the runtime has ended that it waits in.
/// Threads: one reads at a time and one writes, also at the same time; peek, readable and writable any number beside them.
class POLLUX_API stream_socket : public basic_socket {
public:
    /// Errors: `std::errc::not_connected` if the connection is gone.
    std::expected<socket_address, std::error_code> peer_address() const noexcept { return peer(); }

    polled<std::size_t, std::error_code> poll_read(context& cx, io::span to);
    polled<std::size_t, std::error_code> poll_write(context& cx, io::const_span bytes);
    /// Ready at once: what was taken is the system's; with io_driver::uring once it is. Errors: those of a write, with that driver.
    polled<void, std::error_code> poll_flush(context& cx);
    /// As shutdown_write(), behind a flush.
    polled<void, std::error_code> poll_shutdown(context& cx);

    /// As poll_read, into several places in one system call; into the first 64 if there are more.
    polled<std::size_t, std::error_code> poll_read_vectored(context& cx, std::span<const io::span> to);
    /// As poll_write, from several places.
    polled<std::size_t, std::error_code> poll_write_vectored(context& cx, std::span<const io::const_span> bytes);

    /// What is there at once; 0: the end, or an empty span. With io_driver::uring and several workers it may miss what has come just now,
    /// until the thread that serves the ring has run: behind `readable()` it does not. Errors: `std::errc::operation_would_block`: nothing yet.
    std::expected<std::size_t, std::error_code> try_read(io::span to) noexcept;
    /// As many bytes as there is room for at once. Errors: `std::errc::operation_would_block`: there is none.
    std::expected<std::size_t, std::error_code> try_write(io::const_span bytes) noexcept;

    /// A future: reads, and leaves what it has read for the next read. Cancel: dropping it loses nothing.
    operation_future<peeking> peek(io::span to) noexcept { return {io_, peeking(io_, to)}; }

    /// The peer finds the end once it has read what was written. Reading goes on. A connection that is gone is no error.
    std::expected<void, std::error_code> shutdown_write() noexcept;

protected:
    stream_socket(source io, source_kind what) noexcept : basic_socket(std::move(io).as(what)) {}
};

template <class Self>
class stream_members : public stream_socket, public io::detail::byte_stream_members<Self> {
public:
    /// What `split` gives: two halves for two tasks, without a lock between them. Dropping the half that is written lets the peer find
    /// the end, as shutdown_write() does. The connection is closed with the later half. `reunite` makes them one again.
    ///
    /// Throws: std::bad_alloc. Cost: one allocation.
    std::pair<read_half<Self>, write_half<Self>> into_halves() && {
        auto whole = std::make_shared<Self>(std::move(static_cast<Self&>(*this)));
        return {read_half<Self>(whole), write_half<Self>(whole)};
    }

protected:
    using stream_socket::stream_socket;
};

}  // namespace pollux::inline v0::net::detail
