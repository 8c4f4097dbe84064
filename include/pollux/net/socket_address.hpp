// SPDX-License-Identifier: MIT
// The address of a socket: of IPv4, of IPv6, or of this machine (a path, or a name in the abstract namespace). A plain value, kept as
// the system has it, of which the users of this header need not know.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>
#include <system_error>

#include "pollux/core/export.hpp"

namespace pollux::inline v0::net {

/// One address. Made from text, or handed out by sockets and by `resolve`. One that was made by default is of no family.
///
/// Threads: a plain value. Cost: 112 bytes, no allocation but in what returns a string.
class POLLUX_API socket_address {
public:
    socket_address() noexcept = default;

    /// "127.0.0.1:80" or "[::1]:80" ("[fe80::1%eth0]:80", "[fe80::1%2]:80"); names are for `resolve`.
    /// Errors: `errc::bad_address`.
    static std::expected<socket_address, std::error_code> parse(std::string_view text) noexcept;
    /// Of a socket in the file system. Errors: `errc::bad_path`.
    static std::expected<socket_address, std::error_code> unix_path(std::string_view path) noexcept;
    /// Of a socket in the abstract namespace: a name of any bytes that is in no file system and goes with its socket.
    /// Errors: `errc::bad_path`.
    static std::expected<socket_address, std::error_code> unix_abstract(std::string_view name) noexcept;

    bool is_v4() const noexcept;
    bool is_v6() const noexcept;
    /// With a path, an abstract name, or, where the system handed it out, none.
    bool is_unix() const noexcept;
    /// 0 unless it is of IPv4 or IPv6.
    std::uint16_t port() const noexcept;
    /// As `parse` reads it; a path as it is, an abstract name behind an "@"; empty if it has no name.
    std::string to_string() const;

    friend bool operator==(const socket_address& a, const socket_address& b) noexcept { return (a <=> b) == 0; }
    /// An order for containers: of the bytes, without a meaning.
    friend std::strong_ordering operator<=>(const socket_address& a, const socket_address& b) noexcept {
        return a.bytes() <=> b.bytes();
    }

    /// For the library: copies a sockaddr of the system.
    socket_address(const void* system, std::size_t size) noexcept;
    /// For the library: the sockaddr.
    const void* data() const noexcept { return bytes_; }
    std::size_t size() const noexcept { return size_; }
    int family() const noexcept;
    /// For the library: what has to be equal.
    std::string_view bytes() const noexcept { return {bytes_, size_}; }

    /// Bytes of the largest sockaddr that it takes, that of a unix socket.
    static constexpr std::size_t max_size = 110;

private:
    alignas(4) char bytes_[max_size] = {};
    std::uint8_t size_ = 0;
};

}  // namespace pollux::inline v0::net

template <>
struct std::hash<pollux::net::socket_address> {
    std::size_t operator()(const pollux::net::socket_address& address) const noexcept {
        return std::hash<std::string_view>()(address.bytes());
    }
};
