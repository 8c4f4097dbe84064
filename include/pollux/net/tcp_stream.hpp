// SPDX-License-Identifier: MIT
// tcp_stream: a connection of TCP, and how one is made.
#pragma once

#include <memory>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/detail/address_lookup.hpp"
#include "pollux/net/detail/basic_socket.hpp"
#include "pollux/net/detail/socket_future.hpp"
#include "pollux/net/detail/stream_socket.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net {

namespace detail {

class connect_race;

/// A connection to be. A single address is connected in here, several in a race on the heap.
class POLLUX_API connecting {
public:
    explicit connecting(address to) noexcept;
    /// With a socket that is there already, to the first address of its family.
    connecting(address to, source socket) noexcept;
    connecting(connecting&&) noexcept;
    connecting& operator=(connecting&&) = delete;
    ~connecting();

    polled<source, std::error_code> poll(context& cx);

private:
    address_lookup to_;
    source socket_;
    std::unique_ptr<connect_race> race_;
    bool is_begun_ = false;
};

}  // namespace detail

/// A connection of TCP: a byte stream, with all of `pollux::io` as members.
///
/// Threads: one reads at a time and one writes, also at the same time; or its halves, after `split()`. It may be moved at any time at
/// which nobody waits for it. Destroying it closes the connection: the peer finds the end, or a reset if it had sent what nobody read.
/// Cost: 24 bytes and a place in the reactor from the first operation on that has to wait; no allocation of its own.
class POLLUX_API [[nodiscard]] tcp_stream : public detail::stream_members<tcp_stream>,
                                            public detail::ip_options<tcp_stream>,
                                            public detail::tcp_options<tcp_stream> {
public:
    /// A future: a connection to `to`. A name is looked up with `resolve`; its addresses are tried in the order of the system, those of
    /// IPv6 and IPv4 in turn, each 250 ms after the one before or as soon as that has failed. The first connection wins.
    ///
    /// Errors: of the address (`errc`, `resolve_category()`); of the last attempt, such as `std::errc::connection_refused`;
    /// `std::errc::operation_canceled` once the runtime has ended. Throws: no_runtime outside a runtime; std::bad_alloc, for a name only.
    /// Cancel: dropping it closes all attempts.
    /// Cost: no allocation for one address. Source: the attempts as in RFC 8305 (Happy Eyeballs).
    static detail::socket_future<tcp_stream, detail::connecting> connect(address to) {
        return detail::socket_future<tcp_stream, detail::connecting>(detail::connecting(std::move(to)));
    }

    /// For the library: a connected socket.
    explicit tcp_stream(detail::source io) noexcept : stream_members(std::move(io), detail::source_kind::stream) {}
};

}  // namespace pollux::inline v0::net
