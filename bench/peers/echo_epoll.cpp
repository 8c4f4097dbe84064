// SPDX-License-Identifier: MIT
// A TCP echo server as one thread and one epoll loop, by hand: what readiness costs at least, and the measure for every other server.
// A request is one recv, one send and a share of an epoll_wait: edge-triggered, and a short read says that the socket is empty, so
// nothing is asked twice. What a client does not read is kept for it, at most one buffer, and nothing more is read until it is gone.
#include <sys/epoll.h>

#include <cerrno>
#include <string>

#include "loopback.hpp"

namespace {

using bench::require;

struct connection {
    int socket;
    bool has_ended = false;  // the peer sends no more: read on after a short read, too, the end is still to come
    std::string unsent;
};

enum class progress { waits, over };

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

// Sends what is left of an answer. False: waits for room, or the connection is over.
bool flush(connection& c, progress& then) {
    const ssize_t sent = send(c.socket, c.unsent.data(), c.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) {
        then = would_block() ? progress::waits : progress::over;
        return false;
    }
    c.unsent.erase(0, static_cast<std::size_t>(sent));
    return true;
}

progress serve(connection& c) {
    for (auto then = progress::waits;;) {
        while (!c.unsent.empty())
            if (!flush(c, then)) return then;
        char buffer[4096];
        const ssize_t n = recv(c.socket, buffer, sizeof buffer, 0);
        if (n == 0) return progress::over;
        if (n < 0) return would_block() ? progress::waits : progress::over;
        const ssize_t sent = send(c.socket, buffer, static_cast<std::size_t>(n), MSG_NOSIGNAL);
        if (sent < 0 && !would_block()) return progress::over;
        if (sent < n) {
            const ssize_t taken = sent < 0 ? 0 : sent;
            c.unsent.assign(buffer + taken, static_cast<std::size_t>(n - taken));
        } else if (n < ssize_t{sizeof buffer} && !c.has_ended) {
            return progress::waits;
        }
    }
}

}  // namespace

int main() {
    const int listener = bench::listen_on_loopback(SOCK_NONBLOCK);
    const int poller = epoll_create1(EPOLL_CLOEXEC);
    require(poller >= 0, "epoll_create1");
    const auto watch = [poller](int descriptor, std::uint32_t events, void* data) {
        epoll_event event{};
        event.events = events;
        event.data.ptr = data;
        return epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) == 0;
    };
    int standard_input = STDIN_FILENO;
    // Files and /dev/null cannot be watched, and do not close either.
    require(watch(STDIN_FILENO, EPOLLRDHUP, &standard_input) || errno == EPERM, "epoll_ctl");
    require(watch(listener, EPOLLIN, nullptr), "epoll_ctl");
    for (;;) {
        epoll_event events[128];
        const int ready = epoll_wait(poller, events, 128, -1);
        require(ready >= 0 || errno == EINTR, "epoll_wait");
        for (int i = 0; i < ready; ++i) {
            if (events[i].data.ptr == &standard_input) return 0;
            if (events[i].data.ptr == nullptr) {
                const int socket = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (socket < 0) continue;  // the client has gone
                bench::set_nodelay(socket);
                auto* const made = new connection{.socket = socket, .unsent = {}};
                require(watch(socket, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, made), "epoll_ctl");
                continue;
            }
            auto* const c = static_cast<connection*>(events[i].data.ptr);
            c->has_ended = (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
            if (serve(*c) == progress::waits) continue;
            close(c->socket);
            delete c;
        }
    }
}
