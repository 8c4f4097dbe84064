// SPDX-License-Identifier: MIT
// tcp_listener: takes connections of TCP.
#pragma once

#include <expected>
#include <system_error>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/detail/basic_socket.hpp"
#include "pollux/net/detail/listener.hpp"
#include "pollux/net/detail/socket_future.hpp"
#include "pollux/net/source.hpp"
#include "pollux/net/tcp_stream.hpp"

namespace pollux::inline v0::net {

namespace detail {

/// Bound and listening.
POLLUX_API std::expected<source, std::error_code> listen_on(const socket_address& at) noexcept;

}  // namespace detail

/// Takes connections of TCP, which it hands out with `accept()` and `incoming()`. Each inherits the options of the listener.
///
/// Threads: `accept()` from any number of tasks at once. It may be moved at any time at which nobody waits for it; it outlives its
/// futures. Destroying it resets the connections that nobody has taken.
class [[nodiscard]] tcp_listener : public detail::listener<tcp_stream>, public detail::ip_options<tcp_listener> {
public:
    /// A future: listens on `at`, of which port 0 is any that is free: local_address() says which. The address may be one whose last
    /// connections are still being wound up (SO_REUSEADDR); `tcp_socket` has the other options. Of a name the first of its addresses
    /// that can be had is taken.
    ///
    /// Errors: of the address (`errc`, `resolve_category()`); `std::errc::address_in_use`, `std::errc::permission_denied` and whatever
    /// else the system says. Throws: no_runtime outside a runtime. Cost: no allocation, but for a name.
    static detail::open_future<tcp_listener> bind(address at) {
        return detail::open_future<tcp_listener>(detail::opening(std::move(at), detail::listen_on));
    }

    /// For the library: a listening socket.
    explicit tcp_listener(detail::source io) noexcept : listener(std::move(io)) {}
};

}  // namespace pollux::inline v0::net
