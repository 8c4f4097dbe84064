// SPDX-License-Identifier: MIT
// The other end of a socket, as plain as the system gives it: blocking, on a thread of its own.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "pollux/net/socket_address.hpp"

namespace pollux::test {

/// Throws: std::runtime_error, if the system does not do what is asked.
class posix_socket {
public:
    explicit posix_socket(int descriptor) : descriptor_(descriptor) { require(descriptor >= 0, "no descriptor"); }
    posix_socket(posix_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    posix_socket& operator=(posix_socket other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~posix_socket() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    static posix_socket open(const net::socket_address& like, int type = SOCK_STREAM) {
        return posix_socket(::socket(like.family(), type | SOCK_CLOEXEC, 0));
    }
    /// On any free port. Streams listen.
    static posix_socket bound(const net::socket_address& at, int type = SOCK_STREAM, int backlog = 128) {
        posix_socket made = open(at, type);
        made.require(::bind(made.descriptor_, system(at), size(at)) == 0, "bind");
        if (type == SOCK_STREAM) made.require(::listen(made.descriptor_, backlog) == 0, "listen");
        return made;
    }
    static posix_socket connected(const net::socket_address& to, int type = SOCK_STREAM) {
        posix_socket made = open(to, type);
        made.require(::connect(made.descriptor_, system(to), size(to)) == 0, "connect");
        return made;
    }

    posix_socket accept() const { return posix_socket(::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC)); }

    /// All of it.
    void write(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto n = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            require(n > 0, "send");
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    /// What one call gives; empty at the end.
    std::string read(std::size_t max) const {
        std::string bytes(max, '\0');
        const auto n = ::recv(descriptor_, bytes.data(), max, 0);
        require(n >= 0, "recv");
        bytes.resize(static_cast<std::size_t>(n));
        return bytes;
    }
    std::string read_to_end() const {
        std::string all;
        for (std::string some = read(4096); !some.empty(); some = read(4096)) all += some;
        return all;
    }
    void shutdown_write() const { require(::shutdown(descriptor_, SHUT_WR) == 0, "shutdown"); }
    /// Closing it now resets the connection.
    void reset() {
        const linger at_once{1, 0};
        require(::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0, "linger");
        ::close(std::exchange(descriptor_, -1));
    }

    net::socket_address local_address() const {
        sockaddr_storage own;
        socklen_t size = sizeof own;
        require(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&own), &size) == 0, "getsockname");
        return {&own, size};
    }
    int descriptor() const noexcept { return descriptor_; }

private:
    static const sockaddr* system(const net::socket_address& address) noexcept {
        return static_cast<const sockaddr*>(address.data());
    }
    static socklen_t size(const net::socket_address& address) noexcept {
        return static_cast<socklen_t>(address.size());
    }
    static void require(bool holds, const char* what) {
        if (!holds) throw std::runtime_error(std::string("the test's own socket: ") + what);
    }

    int descriptor_;
};

}  // namespace pollux::test
