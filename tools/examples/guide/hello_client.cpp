// SPDX-License-Identifier: MIT
// A client: connects to ADDRESS, says hello and hangs up.
//
// connect() gives a future of a stream, and nothing has been sent when the first line is printed: a future that nobody polls does
// nothing. It can fail, so awaiting it gives a std::expected. `stream` is a local of the coroutine; where that ends, the connection is
// closed, and the server finds the end behind the line.
//
// To see it: `nc -l 7000` in one terminal, `hello_client 127.0.0.1:7000` in another.
//
// Next: echo_server.cpp, whose clients are tasks.
#include <iostream>
#include <pollux/net.hpp>
#include <pollux/runtime.hpp>
#include <string>

namespace {

pollux::task<> say_hello(std::string address) {
    auto stream = co_await pollux::net::tcp_stream::connect(address);
    if (!stream) {
        std::cout << "connection error: " << stream.error().message() << '\n';
        co_return;
    }
    std::cout << "created stream\n";
    const auto written = co_await stream->write_all("hello world\n");
    std::cout << "wrote to stream; success=" << std::boolalpha << written.has_value() << '\n';
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: hello_client ADDRESS\n";
        return 2;
    }
    auto client = say_hello(argv[1]);
    std::cout << "about to create a stream and to write to it\n";
    pollux::run(std::move(client));
    std::cout << "the client has ended\n";
}
