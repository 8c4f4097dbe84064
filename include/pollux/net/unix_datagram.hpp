// SPDX-License-Identifier: MIT
// unix_datagram: datagrams on this machine. None is lost on the way, and they stay in their order.
#pragma once

#include <expected>
#include <system_error>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/io/span.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/detail/datagram_socket.hpp"
#include "pollux/net/detail/socket_future.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net {

namespace detail {

POLLUX_API std::expected<source, std::error_code> bind_unix_datagram(const socket_address& at) noexcept;

}  // namespace detail

/// A socket of datagrams on this machine. Errors, threads and cost of sending and receiving stand at the members that it shares with
/// udp_socket. While the receiver has as many datagrams as it takes, the send() of a connected socket waits; send_to() fails with
/// `std::errc::no_buffer_space`, since the system does not tell others when there is room.
class POLLUX_API [[nodiscard]] unix_datagram : public detail::datagram_socket {
public:
    /// A future: a socket at that path or abstract address. The file stays when the socket goes: whoever owns the path removes it.
    ///
    /// Errors: `errc::bad_path`; those of the system. Throws: no_runtime outside a runtime.
    static detail::open_future<unix_datagram> bind(unix_address at) {
        return detail::open_future<unix_datagram>(detail::opening(std::move(at).get(), detail::bind_unix_datagram));
    }
    /// One without an address, which can send, and receive once it is connected. Errors: such as too many descriptors.
    static std::expected<unix_datagram, std::error_code> unbound() noexcept;
    /// Two that are connected, without an address.
    static std::expected<std::pair<unix_datagram, unix_datagram>, std::error_code> pair() noexcept;

    /// A future: sends to that address from now on, and receives from no other.
    detail::connect_datagrams_future connect(unix_address to) { return {io_, std::move(to).get()}; }

    /// A future: the size of the datagram that was sent to that address.
    detail::send_to_future send_to(io::const_span bytes, unix_address to) { return {io_, bytes, std::move(to).get()}; }

    /// For the library.
    explicit unix_datagram(detail::source io) noexcept : datagram_socket(std::move(io)) {}
};

}  // namespace pollux::inline v0::net
