// SPDX-License-Identifier: MIT
// What the programs around the echo share: sockets on the loopback interface, by plain system calls. A server prints
// `listening on 127.0.0.1:PORT` first, serves until SIGTERM or until its standard input closes, and is started by echo.py.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace bench {

// A benchmark has nothing to save: it says what failed and ends.
inline void require(bool holds, const char* what) {
    if (holds) return;
    std::perror(what);
    std::exit(1);
}

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// A message of a closed loop must not wait for the acknowledgement of the one before it.
inline void set_nodelay(int socket) {
    const int on = 1;
    require(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
}

// Listens on a free port and prints it. `type_flags`: SOCK_NONBLOCK or none.
inline int listen_on_loopback(int type_flags) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | type_flags, 0);
    require(listener >= 0, "socket");
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    require(bind(listener, reinterpret_cast<const sockaddr*>(&address), length) == 0, "bind");
    require(listen(listener, SOMAXCONN) == 0, "listen");
    require(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0, "getsockname");
    std::printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return listener;
}

// Blocks until it is connected.
inline int connect_to_loopback(std::uint16_t port) {
    const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(connection >= 0, "socket");
    const sockaddr_in address = loopback(port);
    require(connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
    set_nodelay(connection);
    return connection;
}

}  // namespace bench
