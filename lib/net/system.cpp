// SPDX-License-Identifier: MIT
#include "net/system.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <variant>

#include "driver/ring_socket.hpp"
#include "pollux/net/errc.hpp"

namespace pollux::inline v0::net::detail {

namespace {

const sockaddr* system_address(const socket_address& address) noexcept {
    return static_cast<const sockaddr*>(address.data());
}

}  // namespace

std::expected<source, std::error_code> open_socket(int family, int type) noexcept {
    const int descriptor = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return std::unexpected(last_error());
    return source(descriptor);
}

std::expected<int, std::error_code> family_of(int descriptor) noexcept {
    int family = 0;
    socklen_t size = sizeof family;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) return std::unexpected(last_error());
    return family;
}

status set_option(int descriptor, int level, int name, int value) noexcept {
    return status_of(::setsockopt(descriptor, level, name, &value, sizeof value));
}

status bind_to(const source& socket, const socket_address& where) noexcept {
    return status_of(::bind(socket.descriptor(), system_address(where), static_cast<socklen_t>(where.size())));
}

std::expected<source, std::error_code> open_bound(const socket_address& at, int type) noexcept {
    auto socket = open_socket(at.family(), type);
    if (!socket) return socket;
    if (const auto bound = bind_to(*socket, at); !bound) return std::unexpected(bound.error());
    return socket;
}

status bind_to(const source& socket, const address& where) noexcept {
    if (const auto* wrong = std::get_if<std::error_code>(&where.get())) return std::unexpected(*wrong);
    const auto* known = std::get_if<socket_address>(&where.get());
    return known != nullptr ? bind_to(socket, *known) : std::unexpected(make_error_code(errc::bad_address));
}

status listen_with(const source& socket, unsigned backlog) noexcept {
    constexpr unsigned most = std::numeric_limits<int>::max();
    return status_of(::listen(socket.descriptor(), static_cast<int>(std::min(backlog, most))));
}

status connect_to(const source& socket, const socket_address& where) noexcept {
    // Interrupted it goes on like one that is in progress; made again it would fail.
    if (::connect(socket.descriptor(), system_address(where), static_cast<socklen_t>(where.size())) == 0 ||
        errno == EINPROGRESS || errno == EINTR)
        return {};
    return std::unexpected(last_error());
}

status connect_to_first(const source& socket, std::span<const socket_address> where) noexcept {
    const auto family = family_of(socket.descriptor());
    if (!family) return std::unexpected(family.error());
    return connect_to(socket, first_that_fits(*family, where));
}

const socket_address& first_that_fits(int family, std::span<const socket_address> where) noexcept {
    const auto fits = [&](const socket_address& one) { return one.family() == family; };
    const auto first = std::find_if(where.begin(), where.end(), fits);
    return first != where.end() ? *first : where.front();
}

status begin_connect(context& cx, source& stream, const socket_address& where) {
    stream = std::move(stream).as(source_kind::stream);
    int error = 0;
    auto* const ring = stream.enter_ring(cx, error);
    if (error != 0) return std::unexpected(std::error_code(error, std::system_category()));
    if (ring == nullptr || (!where.is_v4() && !where.is_v6())) return connect_to(stream, where);
    return status_of(ring->connect(system_address(where), static_cast<socklen_t>(where.size())));
}

polled<void, std::error_code> poll_connected(source& socket, context& cx) {
    const auto is_connected = [&socket](int descriptor) -> int {
        if (auto* const ring = socket.ring()) return ring->connected();
        int error = 0;
        socklen_t size = sizeof error;
        if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -1;
        // No error is no answer: it may be in progress still.
        sockaddr_storage peer;
        size = sizeof peer;
        if (error == 0 && ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0) return 0;
        if (error == 0) error = errno == ENOTCONN ? EAGAIN : errno;
        errno = error;
        return -1;
    };
    auto answer = socket.poll_io(cx, direction::write, 0, is_connected);
    if (answer.is_pending()) return pending;
    if (answer.has_error()) return std::unexpected(answer.error());
    return polled<void, std::error_code>::ready();
}

}  // namespace pollux::inline v0::net::detail
