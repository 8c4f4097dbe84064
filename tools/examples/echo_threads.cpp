// SPDX-License-Identifier: MIT
// A server without futures: blocking calls, and a thread for each client.
//
// recv() returns when the client has said something, send() when there was room for the answer. Until then the thread sleeps, so what is
// done for one client stands in serve() from top to bottom, and a slow client holds up nobody but his own thread. That has three prices. Each
// client has a stack; each request puts a thread to sleep and wakes it; and a thread that sleeps in recv() cannot be told to stop: the
// destructor has to know all sockets and shuts them down. A future waits without a thread, and destroying it gives it up.
//
// It talks to itself. `echo_threads PORT` (0: any that is free) serves until its standard input closes.
//
// Next: hello_server.cpp, whose clients are futures.
//
// Prints:
//   100 clients: 100 answers; the server stops before they hang up
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace {

int require(int result, const char* call) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), call);
    return result;
}

sockaddr_in loopback(std::uint16_t port) {
    return {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
}

// send() may take a part only. MSG_NOSIGNAL: a client that has gone is an error, and does not end this program.
bool send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

class server {
public:
    explicit server(std::uint16_t port) {
        const sockaddr_in address = loopback(port);
        require(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
        require(listen(listener_, SOMAXCONN), "listen");
        accepting_ = std::thread([this] { accept_all(); });
    }
    ~server() {
        shutdown(listener_, SHUT_RDWR);  // the thread that sleeps in accept() comes back with an error
        accepting_.join();
        close(listener_);
        std::unique_lock lock(mutex_);
        for (const int client : clients_) shutdown(client, SHUT_RDWR);  // those in recv() and send() likewise
        changed_.wait(lock, [this] { return clients_.empty(); });
    }

    std::uint16_t port() const {
        sockaddr_in address{};
        socklen_t length = sizeof address;
        require(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
        return ntohs(address.sin_port);
    }

private:
    void accept_all() {
        for (;;) {
            const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0 && errno == EINVAL) return;  // shut down
            // Without a descriptor or a thread for one more: there may be one later.
            if (client < 0 || !start_thread(client)) usleep(10'000);
        }
    }
    bool start_thread(int client) {
        const std::lock_guard lock(mutex_);
        clients_.insert(client);
        try {
            std::thread([this, client] { serve(client); }).detach();
            return true;
        } catch (const std::system_error&) {
            clients_.erase(client);
            close(client);
            return false;
        }
    }
    void serve(int client) {
        char buffer[4096];
        for (ssize_t n; (n = recv(client, buffer, sizeof buffer, 0)) > 0;)
            if (!send_all(client, {buffer, static_cast<std::size_t>(n)})) break;
        // Under the lock, so that the destructor neither shuts down another socket of this number nor leaves before this thread.
        const std::lock_guard lock(mutex_);
        close(client);
        clients_.erase(client);
        changed_.notify_all();
    }

    const int listener_ = require(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    std::thread accepting_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<int> clients_;  // each has a thread
};

int connect_to(std::uint16_t port) {
    const int client = require(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    const sockaddr_in address = loopback(port);
    require(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
    return client;
}

std::string ask(int client, std::string_view question) {
    send_all(client, question);
    std::string answer(question.size(), '\0');
    recv(client, answer.data(), answer.size(), MSG_WAITALL);
    return answer;
}

void talk_to(std::uint16_t port) {
    std::vector<int> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(connect_to(port));
    int answers = 0;
    for (const int client : clients) answers += ask(client, "hello") == "hello";
    std::cout << clients.size() << " clients: " << answers << " answers; the server stops before they hang up\n";
}

}  // namespace

int main(int argc, char** argv) {
    const server echo(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0));
    if (argc == 1) {
        talk_to(echo.port());
        return 0;
    }
    std::cout << "listening on 127.0.0.1:" << echo.port() << std::endl;
    while (std::cin.get() != EOF) continue;
}
