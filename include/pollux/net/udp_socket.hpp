// SPDX-License-Identifier: MIT
// udp_socket: datagrams of UDP.
#pragma once

#include <cstddef>
#include <expected>
#include <system_error>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/io/span.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/detail/basic_socket.hpp"
#include "pollux/net/detail/datagram_socket.hpp"
#include "pollux/net/detail/socket_future.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net {

namespace detail {

POLLUX_API std::expected<source, std::error_code> bind_udp(const socket_address& at) noexcept;

}  // namespace detail

/// A socket of UDP. Errors, threads and cost of sending and receiving stand at the members that it shares with unix_datagram.
class POLLUX_API [[nodiscard]] udp_socket : public detail::datagram_socket,
                                            public detail::ip_options<udp_socket>,
                                            public detail::bind_options<udp_socket> {
public:
    /// A future: a socket with that address of its own; port 0 is any that is free. Of a name the first of its addresses that can be
    /// had is taken.
    ///
    /// Errors: of the address (`errc`, `resolve_category()`); those of the system. Throws: no_runtime outside a runtime.
    static detail::open_future<udp_socket> bind(address at) {
        return detail::open_future<udp_socket>(detail::opening(std::move(at), detail::bind_udp));
    }

    /// A socket without an address, for options that have to be set before: bind_to() gives it one, and so does its first datagram.
    /// Errors: those of the system, such as too many descriptors.
    static std::expected<udp_socket, std::error_code> v4() noexcept;
    static std::expected<udp_socket, std::error_code> v6() noexcept;
    /// Errors: `errc::bad_address` if it is a name, which is not looked up here; those of the system.
    std::expected<void, std::error_code> bind_to(const address& at) noexcept;

    /// A future: sends to that address from now on, and receives from no other. Of a name the first of the socket's family is taken.
    /// Errors: of the address; those of the system.
    detail::connect_datagrams_future connect(address to) { return {io_, std::move(to)}; }

    /// A future: the size of the datagram that was sent to that address.
    detail::send_to_future send_to(io::const_span bytes, address to) { return {io_, bytes, std::move(to)}; }

    /// Without waiting. `to` may be text, such as "127.0.0.1:9", too.
    /// Errors: of the address; `std::errc::operation_would_block` also if it is a name, which would have to be looked up.
    std::expected<std::size_t, std::error_code> try_send_to(io::const_span bytes, const address& to) noexcept;
    using datagram_socket::try_send_to;

    /// For the library.
    explicit udp_socket(detail::source io) noexcept : datagram_socket(std::move(io)) {}
};

}  // namespace pollux::inline v0::net
