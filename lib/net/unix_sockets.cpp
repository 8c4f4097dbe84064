// SPDX-License-Identifier: MIT
// The sockets of this machine, of both types, as their headers make them.
#include <sys/socket.h>

#include <expected>
#include <system_error>
#include <utility>

#include "net/system.hpp"
#include "pollux/net/errc.hpp"
#include "pollux/net/unix_datagram.hpp"
#include "pollux/net/unix_listener.hpp"
#include "pollux/net/unix_stream.hpp"

namespace pollux::inline v0::net {

namespace {

template <class Socket>
std::expected<std::pair<Socket, Socket>, std::error_code> pair_of(int type) noexcept {
    int ends[2];
    if (::socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return std::unexpected(detail::last_error());
    return std::pair(Socket(detail::source(ends[0])), Socket(detail::source(ends[1])));
}

}  // namespace

namespace detail {

std::expected<source, std::error_code> connect_unix(const socket_address& to) noexcept {
    if (!to.is_unix()) return std::unexpected(errc::bad_path);
    auto socket = open_socket(AF_UNIX, SOCK_STREAM);
    if (!socket) return socket;
    if (const auto connected = connect_to(*socket, to); !connected) return std::unexpected(connected.error());
    return socket;
}

std::expected<source, std::error_code> listen_unix(const socket_address& at) noexcept {
    if (!at.is_unix()) return std::unexpected(errc::bad_path);
    auto socket = open_bound(at, SOCK_STREAM);
    if (!socket) return socket;
    if (const auto listens = listen_with(*socket, default_backlog); !listens) return std::unexpected(listens.error());
    return socket;
}

std::expected<source, std::error_code> bind_unix_datagram(const socket_address& at) noexcept {
    if (!at.is_unix()) return std::unexpected(errc::bad_path);
    return open_bound(at, SOCK_DGRAM);
}

}  // namespace detail

std::expected<std::pair<unix_stream, unix_stream>, std::error_code> unix_stream::pair() noexcept {
    return pair_of<unix_stream>(SOCK_STREAM);
}

std::expected<unix_datagram, std::error_code> unix_datagram::unbound() noexcept {
    return detail::open_as<unix_datagram>(AF_UNIX, SOCK_DGRAM);
}
std::expected<std::pair<unix_datagram, unix_datagram>, std::error_code> unix_datagram::pair() noexcept {
    return pair_of<unix_datagram>(SOCK_DGRAM);
}

}  // namespace pollux::inline v0::net
