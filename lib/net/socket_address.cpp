// SPDX-License-Identifier: MIT
#include "pollux/net/socket_address.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "net/host_and_port.hpp"
#include "pollux/net/errc.hpp"

namespace pollux::inline v0::net {

namespace {

static_assert(socket_address::max_size == sizeof(sockaddr_un));

constexpr std::size_t path_begin = offsetof(sockaddr_un, sun_path);
// Without the zero byte that the system keeps behind a path; an abstract name has one in front.
constexpr std::size_t path_max = sizeof(sockaddr_un::sun_path) - 1;

template <class Number>
std::optional<Number> decimal(std::string_view text) noexcept {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// What the system's own parsers take: they want a zero byte at the end.
template <std::size_t size>
bool copy_text(std::string_view text, char (&to)[size]) noexcept {
    if (text.size() >= size || text.find('\0') != text.npos) return false;
    *std::copy(text.begin(), text.end(), to) = '\0';
    return true;
}

std::optional<socket_address> parse_v4(std::string_view host, std::uint16_t port) noexcept {
    char text[INET_ADDRSTRLEN];
    sockaddr_in system{};
    system.sin_family = AF_INET;
    system.sin_port = htons(port);
    if (!copy_text(host, text) || ::inet_pton(AF_INET, text, &system.sin_addr) != 1) return std::nullopt;
    return socket_address(&system, sizeof system);
}

std::optional<socket_address> parse_v6(std::string_view host, std::uint16_t port) noexcept {
    char text[INET6_ADDRSTRLEN];
    sockaddr_in6 system{};
    system.sin6_family = AF_INET6;
    system.sin6_port = htons(port);
    if (const auto percent = host.find('%'); percent != host.npos) {
        const std::string_view scope = host.substr(percent + 1);
        host = host.substr(0, percent);
        char name[IF_NAMESIZE];
        if (const auto number = decimal<std::uint32_t>(scope))
            system.sin6_scope_id = *number;
        else if (copy_text(scope, name))
            system.sin6_scope_id = ::if_nametoindex(name);
        if (system.sin6_scope_id == 0) return std::nullopt;
    }
    if (!copy_text(host, text) || ::inet_pton(AF_INET6, text, &system.sin6_addr) != 1) return std::nullopt;
    return socket_address(&system, sizeof system);
}

std::expected<socket_address, std::error_code> unix_address_of(std::string_view name, std::size_t zeros) noexcept {
    if (name.empty() || name.size() > path_max) return std::unexpected(errc::bad_path);
    sockaddr_un system{};
    system.sun_family = AF_UNIX;
    std::memcpy(system.sun_path + zeros, name.data(), name.size());
    return socket_address(&system, path_begin + zeros + name.size());
}

template <class System>
System as(const socket_address& address) noexcept {
    System system{};
    std::memcpy(&system, address.data(), std::min(sizeof system, address.size()));
    return system;
}

}  // namespace

std::optional<detail::host_and_port> detail::split_host_and_port(std::string_view text) noexcept {
    host_and_port parts;
    const auto colon = text.rfind(':');
    if (colon == text.npos) return std::nullopt;
    const auto port = decimal<std::uint16_t>(text.substr(colon + 1));
    if (!port) return std::nullopt;
    parts.port = *port;
    parts.host = text.substr(0, colon);
    parts.is_bracketed = parts.host.size() > 2 && parts.host.front() == '[' && parts.host.back() == ']';
    if (parts.is_bracketed) parts.host = parts.host.substr(1, parts.host.size() - 2);
    // "::1:80" could be read in two ways.
    else if (parts.host.empty() || parts.host.find_first_of(":[]") != parts.host.npos)
        return std::nullopt;
    return parts;
}

std::expected<socket_address, std::error_code> socket_address::parse(std::string_view text) noexcept {
    if (const auto parts = detail::split_host_and_port(text)) {
        const auto found =
            parts->is_bracketed ? parse_v6(parts->host, parts->port) : parse_v4(parts->host, parts->port);
        if (found) return *found;
    }
    return std::unexpected(errc::bad_address);
}

std::expected<socket_address, std::error_code> socket_address::unix_path(std::string_view path) noexcept {
    if (path.find('\0') != path.npos) return std::unexpected(errc::bad_path);
    return unix_address_of(path, 0);
}

std::expected<socket_address, std::error_code> socket_address::unix_abstract(std::string_view name) noexcept {
    return unix_address_of(name, 1);
}

socket_address::socket_address(const void* system, std::size_t size) noexcept
    : size_(static_cast<std::uint8_t>(std::min(size, max_size))) {
    std::memcpy(bytes_, system, size_);
    // Addresses that are the same have the same bytes, whatever stands behind what counts.
    if (is_v4()) std::memset(bytes_ + offsetof(sockaddr_in, sin_zero), 0, sizeof(sockaddr_in::sin_zero));
    if (is_unix() && size_ > path_begin && bytes_[path_begin] != '\0')
        while (bytes_[size_ - 1] == '\0') --size_;
}

int socket_address::family() const noexcept {
    return size_ < sizeof(sa_family_t) ? AF_UNSPEC : as<sockaddr>(*this).sa_family;
}
bool socket_address::is_v4() const noexcept { return family() == AF_INET; }
bool socket_address::is_v6() const noexcept { return family() == AF_INET6; }
bool socket_address::is_unix() const noexcept { return family() == AF_UNIX; }

std::uint16_t socket_address::port() const noexcept {
    if (is_v4()) return ntohs(as<sockaddr_in>(*this).sin_port);
    if (is_v6()) return ntohs(as<sockaddr_in6>(*this).sin6_port);
    return 0;
}

std::string socket_address::to_string() const {
    char text[INET6_ADDRSTRLEN];
    if (is_v4()) {
        const auto system = as<sockaddr_in>(*this);
        return ::inet_ntop(AF_INET, &system.sin_addr, text, sizeof text) + (":" + std::to_string(port()));
    }
    if (is_v6()) {
        const auto system = as<sockaddr_in6>(*this);
        std::string host = ::inet_ntop(AF_INET6, &system.sin6_addr, text, sizeof text);
        if (system.sin6_scope_id != 0) host += "%" + std::to_string(system.sin6_scope_id);
        return "[" + host + "]:" + std::to_string(port());
    }
    if (!is_unix() || size_ <= path_begin) return {};
    const std::string_view path = bytes().substr(path_begin);
    return path.front() != '\0' ? std::string(path) : "@" + std::string(path.substr(1));
}

}  // namespace pollux::inline v0::net
