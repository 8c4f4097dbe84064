// SPDX-License-Identifier: MIT
// unix_stream: a connection on this machine.
#pragma once

#include <expected>
#include <system_error>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/detail/socket_future.hpp"
#include "pollux/net/detail/stream_socket.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net {

namespace detail {

POLLUX_API std::expected<source, std::error_code> connect_unix(const socket_address& to) noexcept;

}  // namespace detail

/// A connection on this machine: a byte stream, as tcp_stream is, with all of `pollux::io` as members.
///
/// Threads, Cost: as tcp_stream.
class POLLUX_API [[nodiscard]] unix_stream : public detail::stream_members<unix_stream> {
public:
    /// A future: a connection to the listener at that path or address.
    ///
    /// Errors: `errc::bad_path`; `std::errc::no_such_file_or_directory`, `std::errc::connection_refused` where nobody listens any more;
    /// `std::errc::operation_would_block` while the listener has as many connections waiting as it takes: the system does not say when
    /// that is over. Throws: no_runtime outside a runtime.
    static detail::open_future<unix_stream> connect(unix_address to) {
        return detail::open_future<unix_stream>(detail::opening(std::move(to).get(), detail::connect_unix));
    }
    /// Two that are connected, without an address. Errors: those of the system, such as too many descriptors.
    static std::expected<std::pair<unix_stream, unix_stream>, std::error_code> pair() noexcept;

    /// For the library: a connected socket.
    explicit unix_stream(detail::source io) noexcept
        : stream_members(std::move(io), detail::source_kind::local_stream) {}
};

}  // namespace pollux::inline v0::net
