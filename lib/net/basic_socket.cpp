// SPDX-License-Identifier: MIT
#include "pollux/net/detail/basic_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>

#include "driver/ring_socket.hpp"
#include "net/system.hpp"

namespace pollux::inline v0::net::detail {

namespace {

template <class Number>
int at_most_int(Number number) noexcept {
    return static_cast<int>(std::min<Number>(number, std::numeric_limits<int>::max()));
}

std::expected<socket_address, std::error_code> address_by(int (*ask)(int, sockaddr*, socklen_t*),
                                                          const source& of) noexcept {
    sockaddr_storage system;
    socklen_t size = sizeof system;
    if (ask(of.descriptor(), reinterpret_cast<sockaddr*>(&system), &size) != 0) return std::unexpected(last_error());
    return socket_address(&system, size);
}

}  // namespace

int poll_now(int descriptor, direction which) noexcept {
    pollfd asked{descriptor, static_cast<short>(which == direction::read ? POLLIN | POLLRDHUP : POLLOUT), 0};
    const int answer = ::poll(&asked, 1, 0);
    if (answer == 0) errno = EAGAIN;
    if (answer <= 0) return -1;
    if ((asked.revents & POLLNVAL) == 0) return 0;
    errno = EBADF;
    return -1;
}

int readiness::operator()(int descriptor) const noexcept {
    if (auto* const ring = on->ring()) return of == direction::read ? ring->readable() : ring->writable();
    return poll_now(descriptor, of);
}

std::expected<socket_address, std::error_code> basic_socket::local_address() const noexcept {
    return address_by(::getsockname, io_);
}
std::expected<socket_address, std::error_code> basic_socket::peer() const noexcept {
    return address_by(::getpeername, io_);
}

status basic_socket::set_send_buffer(std::size_t bytes) noexcept {
    return set_option(native_handle(), SOL_SOCKET, SO_SNDBUF, at_most_int(bytes));
}
status basic_socket::set_receive_buffer(std::size_t bytes) noexcept {
    return set_option(native_handle(), SOL_SOCKET, SO_RCVBUF, at_most_int(bytes));
}

status set_reuse_address(int descriptor, bool is_on) noexcept {
    return set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, is_on);
}
status set_reuse_port(int descriptor, bool is_on) noexcept {
    return set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, is_on);
}
status set_ttl(int descriptor, unsigned hops) noexcept {
    const auto family = family_of(descriptor);
    if (!family) return std::unexpected(family.error());
    if (*family == AF_INET6) {
        // For the peers of IPv4 that a socket of IPv6 may have; one that takes none refuses it.
        static_cast<void>(set_option(descriptor, IPPROTO_IP, IP_TTL, at_most_int(hops)));
        return set_option(descriptor, IPPROTO_IPV6, IPV6_UNICAST_HOPS, at_most_int(hops));
    }
    return set_option(descriptor, IPPROTO_IP, IP_TTL, at_most_int(hops));
}
status set_nodelay(int descriptor, bool is_on) noexcept {
    return set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, is_on);
}
status set_keepalive(int descriptor, bool is_on) noexcept {
    return set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, is_on);
}
status set_linger(int descriptor, std::optional<std::chrono::seconds> time) noexcept {
    linger value{};
    if (time) {
        if (time->count() < 0) return std::unexpected(std::make_error_code(std::errc::invalid_argument));
        value = {1, at_most_int(time->count())};
    }
    return status_of(::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, sizeof value));
}

}  // namespace pollux::inline v0::net::detail
