// SPDX-License-Identifier: MIT
// Stands between clients and the server at ADDRESS: what comes from one goes to the other.
//
// copy_bidirectional() is two copies in one future. When one side has ended, the other is told by shutting down that direction only:
// a client who has asked everything and ended his side still gets his answers through the proxy. The two may run at different
// speeds: what one side does not take is not read from the other, so a connection costs two buffers and never more.
//
// A server that cannot be reached is an error of that one client, who is hung up on. One task has both copies, so a client costs one task.
//
// Ends with its standard input.
//
// Next: hello_later.cpp, the first of three about time.
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

// What to say about the connection when it is over.
pollux::task<std::string, std::error_code> relay(tcp_stream client, std::string address) {
    auto server = co_await pollux::try_(tcp_stream::connect(address));
    const auto [asked, answered] = co_await pollux::try_(pollux::io::copy_bidirectional(client, server));
    co_return std::to_string(asked) + " bytes to the server, " + std::to_string(answered) + " bytes to the client";
}

pollux::task<> relay_and_tell(tcp_stream client, std::string address) {
    const auto told = co_await relay(std::move(client), std::move(address));
    // In one piece, so that lines of two workers do not mix.
    std::cout << (told ? *told : "error: " + told.error().message()) + "\n" << std::flush;
}

pollux::task<void, std::error_code> serve(std::string to) {
    auto listener = co_await pollux::try_(tcp_listener::bind("127.0.0.1:0"));
    const auto address = co_await pollux::try_(listener.local_address());
    std::cout << "listening on " << address.to_string() << std::endl;
    while (true) {
        auto client = co_await pollux::try_(listener.accept());
        pollux::spawn(relay_and_tell(std::move(client), to)).detach();
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: proxy ADDRESS\n";
        return 2;
    }
    const auto ended =
        pollux::run(pollux::select(serve(argv[1]), pollux::io::read_to_end(pollux::io::standard_input())));
    if (ended.index() == 1) return 0;
    std::cerr << "proxy: " << std::get<0>(ended).error().message() << '\n';
    return 1;
}
