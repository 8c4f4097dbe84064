// SPDX-License-Identifier: MIT
// Each client has five seconds, or MILLISECONDS, to say four bytes.
//
// timeout() takes any future and gives it a limit. When the time is over it destroys the future, which is what cancels a read: there
// is no call that would still write into `word` afterwards. The socket is another object, and outlives its read: it is closed
// where listen_to() ends. The limit is for the whole of the four bytes: one byte a second is too slow as well.
//
// The error says which of the two it was: is_elapsed(), or the error of the read. Here it is turned into a std::error_code.
//
// Ends with its standard input.
//
// Next: chat.cpp, where everybody talks to everybody.
#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <pollux/future.hpp>
#include <pollux/io.hpp>
#include <pollux/net.hpp>
#include <pollux/runtime.hpp>
#include <pollux/time.hpp>
#include <string>
#include <system_error>
#include <utility>

namespace {

using pollux::net::tcp_listener;
using pollux::net::tcp_stream;
using std::chrono::milliseconds;

pollux::task<std::string, std::error_code> four_bytes(tcp_stream& from, milliseconds limit) {
    std::array<char, 4> word;
    co_await pollux::try_(pollux::timeout(from.read_exact(word), limit));
    co_return std::string(word.begin(), word.end());
}

pollux::task<> listen_to(tcp_stream client, milliseconds limit) {
    const auto word = co_await four_bytes(client, limit);
    // In one piece, so that lines of two workers do not mix.
    std::cout << (word ? "read " + *word : "error: " + word.error().message()) + "\n" << std::flush;
}

pollux::task<void, std::error_code> serve(milliseconds limit) {
    auto listener = co_await pollux::try_(tcp_listener::bind("127.0.0.1:0"));
    const auto address = co_await pollux::try_(listener.local_address());
    std::cout << "listening on " << address.to_string() << std::endl;
    while (true) {
        auto client = co_await pollux::try_(listener.accept());
        pollux::spawn(listen_to(std::move(client), limit)).detach();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const milliseconds limit(argc > 1 ? std::atoi(argv[1]) : 5000);
    const auto ended = pollux::run(pollux::select(serve(limit), pollux::io::read_to_end(pollux::io::standard_input())));
    if (ended.index() == 1) return 0;
    std::cerr << "four_bytes: " << std::get<0>(ended).error().message() << '\n';
    return 1;
}
