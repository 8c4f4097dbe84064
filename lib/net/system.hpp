// SPDX-License-Identifier: MIT
// The system's calls for sockets, as all of lib/net uses them: descriptors that do not block and are closed on exec, errors as
// std::error_code.
#pragma once

#include <cerrno>
#include <expected>
#include <span>
#include <system_error>
#include <utility>

#include "core/system_call.hpp"
#include "pollux/core/context.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/socket_address.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net::detail {

using status = std::expected<void, std::error_code>;

inline std::error_code last_error() noexcept { return {errno, std::system_category()}; }

/// What a system call answered.
inline status status_of(int answer) noexcept { return answer >= 0 ? status() : std::unexpected(last_error()); }

using pollux::detail::uninterrupted;

/// 0: an operation in that direction would not block. Less: errno, which is EAGAIN if it would.
int poll_now(int descriptor, direction which) noexcept;

/// Of the address's family.
std::expected<source, std::error_code> open_socket(int family, int type) noexcept;

template <class Socket>
std::expected<Socket, std::error_code> open_as(int family, int type) noexcept {
    auto opened = open_socket(family, type);
    if (!opened) return std::unexpected(opened.error());
    return Socket(std::move(*opened));
}

std::expected<int, std::error_code> family_of(int descriptor) noexcept;

status set_option(int descriptor, int level, int name, int value) noexcept;

status bind_to(const source& socket, const socket_address& where) noexcept;
/// A socket of that address.
std::expected<source, std::error_code> open_bound(const socket_address& at, int type) noexcept;
/// Errors: errc::bad_address if it is a name.
status bind_to(const source& socket, const address& where) noexcept;

// Connections that wait to be accepted, as many as Tokio's default; the system may make it less.
inline constexpr unsigned default_backlog = 1024;
status listen_with(const source& socket, unsigned backlog) noexcept;

/// Begins: whether it is there says poll_connected.
status connect_to(const source& socket, const socket_address& where) noexcept;
/// The same of a stream, through io_uring if the runtime has one. Throws: as source::poll_ready().
status begin_connect(context& cx, source& stream, const socket_address& where);
/// To the first of the socket's family; if there is none the system says what is wrong with the first.
status connect_to_first(const source& socket, std::span<const socket_address> where) noexcept;
const socket_address& first_that_fits(int family, std::span<const socket_address> where) noexcept;

/// A connect that was begun, as an operation of its socket.
polled<void, std::error_code> poll_connected(source& socket, context& cx);

}  // namespace pollux::inline v0::net::detail
