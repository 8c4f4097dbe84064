// SPDX-License-Identifier: MIT
// What every socket has: its source, its address, its readiness, and options by name. Those that only some have are bases of those.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <system_error>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/net/detail/operation.hpp"
#include "pollux/net/socket_address.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net::detail {

/// Threads: what is const, and readable() and writable(), from any at the same time. It may be moved at any time at which nobody
/// uses it.
class POLLUX_API basic_socket {
public:
    /// Errors: those of getsockname.
    std::expected<socket_address, std::error_code> local_address() const noexcept;

    /// A future that is ready when reading, or accepting, would not wait: there is something, the end, or an error.
    /// Cancel: dropping it loses nothing. Cost: one system call beside what waiting takes.
    operation_future<readiness> readable() noexcept { return {io_, readiness{&io_, direction::read}}; }
    /// The same of writing.
    operation_future<readiness> writable() noexcept { return {io_, readiness{&io_, direction::write}}; }

    /// Bytes that the system keeps for what is to be sent; Linux takes twice as many as are said, for its own needs, and no more
    /// than net.core.wmem_max.
    std::expected<void, std::error_code> set_send_buffer(std::size_t bytes) noexcept;
    /// The same for what was received. Before connect and listen, where it is to count for the window of TCP.
    std::expected<void, std::error_code> set_receive_buffer(std::size_t bytes) noexcept;

    /// The descriptor: it stays with the socket, which needs it to be non-blocking.
    int native_handle() const noexcept { return io_.descriptor(); }

protected:
    explicit basic_socket(source io) noexcept : io_(std::move(io)) {}

    std::expected<socket_address, std::error_code> peer() const noexcept;

    source io_;
};

POLLUX_API std::expected<void, std::error_code> set_reuse_address(int descriptor, bool is_on) noexcept;
POLLUX_API std::expected<void, std::error_code> set_reuse_port(int descriptor, bool is_on) noexcept;
POLLUX_API std::expected<void, std::error_code> set_ttl(int descriptor, unsigned hops) noexcept;
POLLUX_API std::expected<void, std::error_code> set_nodelay(int descriptor, bool is_on) noexcept;
POLLUX_API std::expected<void, std::error_code> set_keepalive(int descriptor, bool is_on) noexcept;
POLLUX_API std::expected<void, std::error_code> set_linger(int descriptor,
                                                           std::optional<std::chrono::seconds> time) noexcept;

/// Options of all that is of the internet. `Self` has native_handle().
template <class Self>
class ip_options {
public:
    /// How many routers a packet passes at most.
    std::expected<void, std::error_code> set_ttl(unsigned hops) noexcept { return detail::set_ttl(handle(), hops); }

private:
    int handle() const noexcept { return static_cast<const Self&>(*this).native_handle(); }
};

/// Options that count when the socket is bound.
template <class Self>
class bind_options {
public:
    /// Bind to an address whose last connections are still being wound up. Of UDP: share it with others that say the same.
    std::expected<void, std::error_code> set_reuse_address(bool is_on) noexcept {
        return detail::set_reuse_address(handle(), is_on);
    }
    /// Share the address with other sockets of this user that say the same; the system spreads what comes over them.
    std::expected<void, std::error_code> set_reuse_port(bool is_on) noexcept {
        return detail::set_reuse_port(handle(), is_on);
    }

private:
    int handle() const noexcept { return static_cast<const Self&>(*this).native_handle(); }
};

/// Options of TCP.
template <class Self>
class tcp_options {
public:
    /// Send small packets at once instead of waiting for the answer to the last (Nagle's algorithm, which is on by default).
    std::expected<void, std::error_code> set_nodelay(bool is_on) noexcept {
        return detail::set_nodelay(handle(), is_on);
    }
    /// Ask an idle peer from time to time whether it is still there. Off by default.
    std::expected<void, std::error_code> set_keepalive(bool is_on) noexcept {
        return detail::set_keepalive(handle(), is_on);
    }
    /// What closing does with what was not sent yet. nullopt, the default: it is sent behind the back. 0: it is dropped, and the peer
    /// finds `std::errc::connection_reset`. More: closing, that is the destructor, blocks its thread up to that long;
    /// but where the stream has read or written through `io_driver::uring` it is sent behind the back then, too.
    std::expected<void, std::error_code> set_linger(std::optional<std::chrono::seconds> time) noexcept {
        return detail::set_linger(handle(), time);
    }

private:
    int handle() const noexcept { return static_cast<const Self&>(*this).native_handle(); }
};

}  // namespace pollux::inline v0::net::detail
