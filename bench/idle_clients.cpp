// SPDX-License-Identifier: MIT
// Clients that have said one thing, got it back, and then only stay: `idle_clients PORT N`. Prints `connected N` once all have, and
// goes when its standard input closes. The server serves each of them by then, so what it holds for them can be looked at.
#include <sys/resource.h>

#include <vector>

#include "loopback.hpp"

namespace {

using bench::require;

// As many descriptors as the system lets this process have.
void raise_descriptor_limit() {
    rlimit limit{};
    require(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

int connect_and_greet(std::uint16_t port) {
    const int connection = bench::connect_to_loopback(port);
    // Reset instead of closed in order: the port is free again at once, for the next ten thousand.
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    require(setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0, "SO_LINGER");
    // A server that has given up on this client would keep it here for ever.
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    require(setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0, "SO_RCVTIMEO");
    char byte = 'x';
    require(send(connection, &byte, 1, MSG_NOSIGNAL) == 1, "idle_clients: send");
    require(recv(connection, &byte, 1, 0) == 1, "idle_clients: recv");
    return connection;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: %s PORT N\n", argv[0]);
        return 2;
    }
    const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    const auto n = std::strtoull(argv[2], nullptr, 10);
    raise_descriptor_limit();
    std::vector<int> connections;
    for (unsigned long long i = 0; i != n; ++i) connections.push_back(connect_and_greet(port));
    std::printf("connected %llu\n", n);
    std::fflush(stdout);
    while (std::getchar() != EOF) {}
}
