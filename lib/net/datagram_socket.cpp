// SPDX-License-Identifier: MIT
#include "pollux/net/detail/datagram_socket.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <span>

#include "net/system.hpp"

namespace pollux::inline v0::net::detail {

namespace {

std::ptrdiff_t send_to(int descriptor, io::const_span bytes, const socket_address& to) noexcept {
    return ::sendto(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL, static_cast<const sockaddr*>(to.data()),
                    static_cast<socklen_t>(to.size()));
}

// Where the receiver has no room the system says of a socket that is not connected to it that it would block, and never that it would
// no more. Waited for, that would be for ever; so it is another error, unless the socket itself has no room.
std::ptrdiff_t send_or_fail(int descriptor, io::const_span bytes, const socket_address& to) noexcept {
    const auto n = send_to(descriptor, bytes, to);
    if (n >= 0 || errno != EAGAIN || !to.is_unix() || poll_now(descriptor, direction::write) < 0) return n;
    const auto again = send_to(descriptor, bytes, to);  // there may be room since
    if (again < 0 && errno == EAGAIN) errno = ENOBUFS;
    return again;
}

}  // namespace

polled<std::size_t, std::error_code> send_to_future::poll(context& cx) {
    auto to = to_.poll(cx);
    if (to.is_pending()) return pending;
    if (to.has_error()) return std::unexpected(to.error());
    const auto send_to_first = [&](int descriptor) -> std::ptrdiff_t {
        const std::span<const socket_address> all = to.value();
        if (all.size() == 1) return send_or_fail(descriptor, bytes_, all.front());
        const auto family = family_of(descriptor);
        if (!family) {
            errno = family.error().value();
            return -1;
        }
        return send_or_fail(descriptor, bytes_, first_that_fits(*family, all));
    };
    return on_.poll_io(cx, direction::write, 0, send_to_first, waiter_.use());
}

polled<void, std::error_code> connect_datagrams_future::poll(context& cx) {
    auto to = to_.poll(cx);
    if (to.is_pending() || !cx.consume_budget()) return pending;
    if (to.has_error()) return std::unexpected(to.error());
    return connect_to_first(on_, to.value());
}

std::expected<std::size_t, std::error_code> datagram_socket::try_send(io::const_span bytes) noexcept {
    return attempt(io_, sending{bytes});
}
std::expected<std::size_t, std::error_code> datagram_socket::try_send_to(io::const_span bytes,
                                                                         const socket_address& to) noexcept {
    const auto n = uninterrupted([&] { return send_to(io_.descriptor(), bytes, to); });
    if (n < 0) return std::unexpected(last_error());
    return static_cast<std::size_t>(n);
}
std::expected<std::size_t, std::error_code> datagram_socket::try_recv(io::span to) noexcept {
    return attempt(io_, receiving{to});
}
std::expected<std::pair<std::size_t, socket_address>, std::error_code> datagram_socket::try_recv_from(
    io::span to) noexcept {
    return attempt(io_, receiving_from{to});
}

}  // namespace pollux::inline v0::net::detail
