// SPDX-License-Identifier: MIT
// What a udp_socket and a unix_datagram have in common: all but what they are bound to.
#pragma once

#include <cstddef>
#include <expected>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/span.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/detail/address_lookup.hpp"
#include "pollux/net/detail/basic_socket.hpp"
#include "pollux/net/detail/byte_operations.hpp"
#include "pollux/net/detail/operation.hpp"
#include "pollux/net/socket_address.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net::detail {

/// A datagram to an address, or to the first that its name has of the socket's family.
class POLLUX_API [[nodiscard]] send_to_future {
public:
    using value_type = std::size_t;
    using error_type = std::error_code;

    send_to_future(source& on, io::const_span bytes, address to) noexcept
        : on_(on), bytes_(bytes), to_(std::move(to)) {}

    polled<std::size_t, std::error_code> poll(context& cx);

private:
    source& on_;
    io::const_span bytes_;
    address_lookup to_;
    waiter_in_future waiter_;
};

class POLLUX_API [[nodiscard]] connect_datagrams_future {
public:
    using value_type = void;
    using error_type = std::error_code;

    connect_datagrams_future(source& on, address to) noexcept : on_(on), to_(std::move(to)) {}

    polled<void, std::error_code> poll(context& cx);

private:
    source& on_;
    address_lookup to_;
};

/// A datagram is sent and received as a whole; what a span has no room for is lost. The bytes outlive the future.
///
/// Errors: those of the system: of a connected socket `std::errc::connection_refused` once the peer's machine has said that nobody
/// listens; `std::errc::message_size`; `std::errc::operation_canceled` once the runtime has ended.
/// Throws: the futures throw no_runtime outside a runtime.
/// Threads: any number of tasks may send and receive at once; each datagram goes to one. It may be moved at any time at which nobody
/// waits for it; it outlives its futures.
/// Cancel: dropping a future that is pending loses nothing: it has sent or received nothing. Cost: one system call; no allocation, but
/// for a name.
class POLLUX_API datagram_socket : public basic_socket {
public:
    /// Errors: `std::errc::not_connected` before a connect.
    std::expected<socket_address, std::error_code> peer_address() const noexcept { return peer(); }

    /// To the address that it was connected to: the size of the datagram. None is lost for lack of room, but on the way.
    operation_future<sending> send(io::const_span bytes) noexcept { return {io_, sending{bytes}}; }
    /// The size of a datagram, or of the part of it that there was room for. Connected, only those of that address come.
    operation_future<receiving> recv(io::span to) noexcept { return {io_, receiving{to}}; }
    /// The same, and who sent it: its value is a std::pair of the number of bytes and the sender's socket_address.
    operation_future<receiving_from> recv_from(io::span to) noexcept { return {io_, receiving_from{to}}; }

    /// As recv, and the datagram stays for the next receive.
    operation_future<peeking> peek(io::span to) noexcept { return {io_, peeking(io_, to)}; }

    /// Without waiting. Errors: also `std::errc::operation_would_block`.
    std::expected<std::size_t, std::error_code> try_send(io::const_span bytes) noexcept;
    std::expected<std::size_t, std::error_code> try_send_to(io::const_span bytes, const socket_address& to) noexcept;
    std::expected<std::size_t, std::error_code> try_recv(io::span to) noexcept;
    std::expected<std::pair<std::size_t, socket_address>, std::error_code> try_recv_from(io::span to) noexcept;

protected:
    using basic_socket::basic_socket;
};

}  // namespace pollux::inline v0::net::detail
