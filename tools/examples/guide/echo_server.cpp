// SPDX-License-Identifier: MIT
// The echo server: a task for each client, which copies what it reads back to where it came from.
//
// Compare with ../echo_threads.cpp: echo() reads from top to bottom like serve() there, but where that has a thread that sleeps, this
// has a coroutine frame that waits. A client who says nothing costs that frame and a buffer, and no thread; one who does not read
// holds up only himself; a few workers serve all.
//
// split() gives a half to read from and one to write to, so that copy() may use both at once. A client who has ended his side is answered
// to the last byte; then copy() ends, the halves are destroyed, and the client finds the end, too. A reset is an error of that
// one copy().
//
// Ends with its standard input: run() ends the tasks that are left, and with them the connections.
//
// Next: connect_and_write.cpp, the machine that the compiler makes of such a coroutine.
#include <cstdint>
#include <iostream>
#include <pollux/future.hpp>
#include <pollux/io.hpp>
#include <pollux/net.hpp>
#include <pollux/runtime.hpp>
#include <string>
#include <system_error>
#include <utility>

namespace {

using pollux::net::tcp_listener;
using pollux::net::tcp_stream;

pollux::task<> echo(tcp_stream client) {
    auto [from, to] = std::move(client).split();
    const auto copied = co_await pollux::io::copy(from, to);
    // In one piece, so that lines of two workers do not mix.
    if (copied)
        std::cout << "wrote " + std::to_string(*copied) + " bytes\n" << std::flush;
    else
        std::cout << "error: " + copied.error().message() + "\n" << std::flush;
}

pollux::task<void, std::error_code> serve() {
    auto listener = co_await pollux::try_(tcp_listener::bind("127.0.0.1:0"));
    const auto address = co_await pollux::try_(listener.local_address());
    std::cout << "listening on " << address.to_string() << std::endl;
    while (true) {
        auto client = co_await pollux::try_(listener.accept());
        pollux::spawn(echo(std::move(client))).detach();
    }
}

}  // namespace

int main() {
    const auto ended = pollux::run(pollux::select(serve(), pollux::io::read_to_end(pollux::io::standard_input())));
    if (ended.index() == 1) return 0;
    std::cerr << "echo_server: " << std::get<0>(ended).error().message() << '\n';
    return 1;
}
