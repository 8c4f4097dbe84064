// SPDX-License-Identifier: MIT
#include "pollux/net/resolve.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>

#include "pollux/net/errc.hpp"

namespace pollux::inline v0::net::detail {

std::expected<std::vector<socket_address>, std::error_code> lookup::operator()() const {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;  // else each address comes once for each type
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    // Cut at a zero byte, the name would be another.
    const int error = host.find('\0') != host.npos
                          ? EAI_NONAME
                          : ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error == EAI_SYSTEM) return std::unexpected(std::error_code(errno, std::system_category()));
    if (error != 0) return std::unexpected(std::error_code(error, resolve_category()));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> freed(found, ::freeaddrinfo);
    std::vector<socket_address> addresses;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next)
        if (one->ai_family == AF_INET || one->ai_family == AF_INET6)
            addresses.emplace_back(one->ai_addr, one->ai_addrlen);
    if (addresses.empty()) return std::unexpected(std::error_code(EAI_NONAME, resolve_category()));
    return addresses;
}

}  // namespace pollux::inline v0::net::detail
