// SPDX-License-Identifier: MIT
// A server in one expression: greets whoever connects, and hangs up.
//
// A listener gives a stream of connections, and a stream has combinators: for_each_concurrent() makes a future of each connection and
// keeps all of them going, 0 for without a limit. It ends at the first error of a greeting, so greet() has none: a client who has
// gone is his own affair. Nor does the listener fail for the sake of one client, or because there is no descriptor left for the moment.
// All greetings are parts of one task, polled by one worker at a time. A server with more to do spawns a task for each client,
// as echo_server.cpp does.
//
// Ends with its standard input: select() drops the server, and with it the listener and every greeting.
//
// Next: proxy.cpp keeps two connections going at once.
#include <iostream>
#include <pollux/future.hpp>
#include <pollux/io.hpp>
#include <pollux/net.hpp>
#include <pollux/runtime.hpp>
#include <pollux/stream.hpp>
#include <system_error>

namespace {

using pollux::net::tcp_listener;
using pollux::net::tcp_stream;

pollux::task<> greet(tcp_stream client) {
    (void)co_await client.write_all("hello world\n");  // fails if the client has gone
}

pollux::task<void, std::error_code> serve() {
    auto listener = co_await pollux::try_(tcp_listener::bind("127.0.0.1:0"));
    const auto address = co_await pollux::try_(listener.local_address());
    std::cout << "listening on " << address.to_string() << std::endl;
    co_return co_await pollux::for_each_concurrent(listener.incoming(), 0, greet);
}

}  // namespace

int main() {
    const auto ended = pollux::run(pollux::select(serve(), pollux::io::read_to_end(pollux::io::standard_input())));
    if (ended.index() == 1) return 0;
    std::cerr << "greeter: " << std::get<0>(ended).error().message() << '\n';
    return 1;
}
