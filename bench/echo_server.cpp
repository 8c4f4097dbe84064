// SPDX-License-Identifier: MIT
// The echo server of echo.py and idle_clients.py as a user of this library would write it: a coroutine a client.
//
// Usage: echo_server [--workers N] [--io epoll|uring]    1 worker on epoll unless said
//
// Prints `listening on 127.0.0.1:PORT` first, and ends when its standard input closes.
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "heuristics.hpp"
#include "pollux/coro.hpp"
#include "pollux/io.hpp"
#include "pollux/net.hpp"
#include "pollux/runtime.hpp"

namespace {

pollux::task<void, std::error_code> echo(pollux::net::tcp_stream client) {
    (void)client.set_nodelay(true);
    std::array<char, 4096> buffer;
    for (;;) {
        const std::size_t n = co_await pollux::try_(client.read(buffer));
        if (n == 0) co_return {};
        co_await pollux::try_(client.write_all(std::string_view(buffer.data(), n)));
    }
}

pollux::task<void, std::error_code> accept_all() {
    auto listener = co_await pollux::try_(pollux::net::tcp_listener::bind("127.0.0.1:0"));
    const auto at = co_await pollux::try_(listener.local_address());
    std::printf("listening on %s\n", at.to_string().c_str());
    std::fflush(stdout);
    for (;;) {
        auto client = co_await pollux::try_(listener.accept());
        pollux::spawn(echo(std::move(client))).detach();
    }
}

pollux::task<> serve() {
    const auto ended = co_await accept_all();
    if (ended) co_return;
    // At once: nobody serves any more, and the main thread waits for the end of the standard input.
    std::fprintf(stderr, "echo_server: %s\n", ended.error().message().c_str());
    std::_Exit(1);
}

pollux::runtime_options parse(int argc, char** argv) {
    pollux::runtime_options options;
    options.workers = 1;
    for (int i = 1; i < argc; i += 2) {
        const std::string_view option = argv[i], value = i + 1 < argc ? argv[i + 1] : "";
        if (option == "--workers" && std::atoi(value.data()) > 0) {
            options.workers = static_cast<unsigned>(std::atoi(value.data()));
        } else if (option == "--io" && (value == "epoll" || value == "uring")) {
            options.io = value == "uring" ? pollux::io_driver::uring : pollux::io_driver::epoll;
        } else {
            std::fprintf(stderr, "usage: %s [--workers N] [--io epoll|uring]\n", argv[0]);
            std::exit(2);
        }
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    bench::take_heuristics(argc, argv);
    pollux::runtime runtime(parse(argc, argv));
    runtime.spawn(serve()).detach();
    while (std::getchar() != EOF) continue;
}
