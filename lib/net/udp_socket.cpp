// SPDX-License-Identifier: MIT
#include "pollux/net/udp_socket.hpp"

#include <sys/socket.h>

#include <cstddef>
#include <system_error>
#include <utility>
#include <variant>

#include "net/system.hpp"
#include "pollux/net/errc.hpp"

namespace pollux::inline v0::net {

namespace detail {

std::expected<source, std::error_code> bind_udp(const socket_address& at) noexcept {
    if (!at.is_v4() && !at.is_v6()) return std::unexpected(errc::bad_address);
    return open_bound(at, SOCK_DGRAM);
}

}  // namespace detail

std::expected<udp_socket, std::error_code> udp_socket::v4() noexcept {
    return detail::open_as<udp_socket>(AF_INET, SOCK_DGRAM);
}
std::expected<udp_socket, std::error_code> udp_socket::v6() noexcept {
    return detail::open_as<udp_socket>(AF_INET6, SOCK_DGRAM);
}

detail::status udp_socket::bind_to(const address& at) noexcept { return detail::bind_to(io_, at); }

std::expected<std::size_t, std::error_code> udp_socket::try_send_to(io::const_span bytes, const address& to) noexcept {
    if (const auto* const known = std::get_if<socket_address>(&to.get())) return try_send_to(bytes, *known);
    if (const auto* const wrong = std::get_if<std::error_code>(&to.get())) return std::unexpected(*wrong);
    return std::unexpected(std::make_error_code(std::errc::operation_would_block));
}

}  // namespace pollux::inline v0::net
