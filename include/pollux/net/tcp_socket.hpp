// SPDX-License-Identifier: MIT
// tcp_socket: a socket of TCP that has yet to become a stream or a listener, for options that have to be set before.
#pragma once

#include <expected>
#include <system_error>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/detail/basic_socket.hpp"
#include "pollux/net/source.hpp"
#include "pollux/net/tcp_listener.hpp"
#include "pollux/net/tcp_stream.hpp"

namespace pollux::inline v0::net {

/// A socket of TCP before it is connected or listens. Nothing of it waits but `connect`.
///
/// Threads: one at a time.
class POLLUX_API [[nodiscard]] tcp_socket : public detail::basic_socket,
                                            public detail::ip_options<tcp_socket>,
                                            public detail::tcp_options<tcp_socket>,
                                            public detail::bind_options<tcp_socket> {
public:
    /// Errors: those of the system, such as too many descriptors.
    static std::expected<tcp_socket, std::error_code> v4() noexcept;
    static std::expected<tcp_socket, std::error_code> v6() noexcept;

    /// Gives it an address of its own. Errors: `errc::bad_address` if it is a name, which is not looked up here; those of the system.
    std::expected<void, std::error_code> bind(const address& at) noexcept;

    /// As many connections as `backlog` wait to be accepted, or as net.core.somaxconn says if that is less.
    std::expected<tcp_listener, std::error_code> listen(unsigned backlog = 1024) && noexcept;

    /// As `tcp_stream::connect`, but with this socket: so of a name only the first address of its family is tried.
    detail::socket_future<tcp_stream, detail::connecting> connect(address to) && {
        return detail::socket_future<tcp_stream, detail::connecting>(detail::connecting(std::move(to), std::move(io_)));
    }

    /// For the library: a socket that is not connected.
    explicit tcp_socket(detail::source io) noexcept : basic_socket(std::move(io)) {}
};

}  // namespace pollux::inline v0::net
