// SPDX-License-Identifier: MIT
// unix_listener: takes connections on this machine.
#pragma once

#include <expected>
#include <system_error>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/detail/listener.hpp"
#include "pollux/net/detail/socket_future.hpp"
#include "pollux/net/source.hpp"
#include "pollux/net/unix_stream.hpp"

namespace pollux::inline v0::net {

namespace detail {

POLLUX_API std::expected<source, std::error_code> listen_unix(const socket_address& at) noexcept;

}  // namespace detail

/// Takes connections on this machine, which it hands out with `accept()` and `incoming()`. Threads: as tcp_listener.
class [[nodiscard]] unix_listener : public detail::listener<unix_stream> {
public:
    /// A future: makes a socket at that path and listens, or at an abstract address. The file stays when the listener goes: whoever owns
    /// the path removes it, before the next bind.
    ///
    /// Errors: `errc::bad_path`; `std::errc::address_in_use`, `std::errc::permission_denied` and whatever else the system says. Throws:
    /// no_runtime outside a runtime.
    static detail::open_future<unix_listener> bind(unix_address at) {
        return detail::open_future<unix_listener>(detail::opening(std::move(at).get(), detail::listen_unix));
    }

    /// For the library: a listening socket.
    explicit unix_listener(detail::source io) noexcept : listener(std::move(io)) {}
};

}  // namespace pollux::inline v0::net
