// SPDX-License-Identifier: MIT
#include "pollux/net/tcp_socket.hpp"

#include <sys/socket.h>

#include <system_error>
#include <utility>
#include <variant>

#include "net/system.hpp"
#include "pollux/net/errc.hpp"

namespace pollux::inline v0::net {

namespace detail {

std::expected<source, std::error_code> listen_on(const socket_address& at) noexcept {
    if (!at.is_v4() && !at.is_v6()) return std::unexpected(errc::bad_address);
    auto socket = open_socket(at.family(), SOCK_STREAM);
    if (!socket) return socket;
    status ok = set_reuse_address(socket->descriptor(), true);
    if (ok) ok = bind_to(*socket, at);
    if (ok) ok = listen_with(*socket, default_backlog);
    if (!ok) return std::unexpected(ok.error());
    return socket;
}

}  // namespace detail

std::expected<tcp_socket, std::error_code> tcp_socket::v4() noexcept {
    return detail::open_as<tcp_socket>(AF_INET, SOCK_STREAM);
}
std::expected<tcp_socket, std::error_code> tcp_socket::v6() noexcept {
    return detail::open_as<tcp_socket>(AF_INET6, SOCK_STREAM);
}

detail::status tcp_socket::bind(const address& at) noexcept { return detail::bind_to(io_, at); }

std::expected<tcp_listener, std::error_code> tcp_socket::listen(unsigned backlog) && noexcept {
    if (const auto listens = detail::listen_with(io_, backlog); !listens) return std::unexpected(listens.error());
    return tcp_listener(std::move(io_));
}

}  // namespace pollux::inline v0::net
