// SPDX-License-Identifier: MIT
// A conversation as a chain: connect, then write, then read, then print; the first step that fails ends it.
//
// and_then() goes on with the value of the step before it; unwrap_or_else() is for the error, whichever step it came from. A
// step that is not reached is never called. The chain is one object and allocates nothing: a state machine, written as a list.
// A step owns what it works on, so it hands the connection on with its result.
//
// Connections are in memory here: a peer who echoes a number of bytes, then hangs up. Writing takes four bytes at a time, and
// waits until the peer has fetched them, as a full socket would make it wait.
//
// Next: first_program.cpp writes a future as a coroutine and runs it on a runtime.
//
// Prints:
//   a peer who answers:
//     write complete
//     read: hello world
//   a peer who hangs up early:
//     write complete
//     failed: the peer has hung up after 7 bytes
//   nobody there:
//     failed: connection refused
#include <algorithm>
#include <expected>
#include <iostream>
#include <memory>
#include <pollux/future.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace {

// What two ends on one thread share. Whoever has to wait leaves a waker; whoever changes something calls it.
struct wire {
    std::string to_peer, from_peer;
    bool is_closed = false;  // by the peer
    pollux::waker client, peer;

    void wake(pollux::waker& who) { std::exchange(who, pollux::waker()).wake(); }
};
using connection = std::shared_ptr<wire>;
using error = std::string;

// Ready at once: with the wire, or refused if there is none.
auto connect(connection to) {
    return pollux::lazy([to = std::move(to)] {
        std::expected<connection, error> made = to;
        if (to == nullptr) made = std::unexpected<error>("connection refused");
        return pollux::from_result(std::move(made));
    });
}

// All of `bytes`; hands the connection back.
auto write_all(connection to, std::string_view bytes) {
    return pollux::poll_fn(
        [to = std::move(to), bytes](pollux::context& cx) mutable -> pollux::polled<connection, error> {
            while (!bytes.empty()) {
                const auto room = std::min<std::size_t>(4 - to->to_peer.size(), bytes.size());
                if (room == 0) {
                    to->client = cx.waker();
                    return pollux::pending;
                }
                to->to_peer += bytes.substr(0, room);
                bytes.remove_prefix(room);
                to->wake(to->peer);
            }
            return to;
        });
}

// Exactly `count` bytes; to be told of an end before that is an error.
auto read_exact(connection from, std::size_t count) {
    return pollux::poll_fn([from = std::move(from), count](pollux::context& cx) -> pollux::polled<std::string, error> {
        if (from->from_peer.size() >= count) return from->from_peer.substr(0, count);
        if (from->is_closed)
            return std::unexpected("the peer has hung up after " + std::to_string(from->from_peer.size()) + " bytes");
        from->client = cx.waker();
        return pollux::pending;
    });
}

// The other end: fetches what is written, sends the first `limit` bytes back, and hangs up after 11.
auto echo(connection with, std::size_t limit) {
    return pollux::poll_fn(
        [with = std::move(with), limit, fetched = std::size_t{0}](pollux::context& cx) mutable -> pollux::polled<> {
            for (const char c : std::exchange(with->to_peer, {}))
                if (fetched++ < limit) with->from_peer += c;
            with->is_closed = fetched == 11;
            with->wake(with->client);
            if (with->is_closed) return pollux::polled<>::ready();
            with->peer = cx.waker();
            return pollux::pending;
        });
}

auto greet(connection to) {
    return connect(std::move(to)) |
           pollux::and_then([](connection c) { return write_all(std::move(c), "hello world"); }) |
           pollux::inspect([](const connection&) { std::cout << "  write complete\n"; }) |
           pollux::and_then([](connection c) { return read_exact(std::move(c), 11); }) |
           pollux::map([](const std::string& text) { std::cout << "  read: " << text << '\n'; }) |
           pollux::unwrap_or_else([](const error& why) { std::cout << "  failed: " << why << '\n'; });
}

}  // namespace

int main() {
    std::cout << "a peer who answers:\n";
    const auto good = std::make_shared<wire>();
    pollux::block_on(pollux::join(greet(good), echo(good, 11)));

    std::cout << "a peer who hangs up early:\n";
    const auto short_of_words = std::make_shared<wire>();
    pollux::block_on(pollux::join(greet(short_of_words), echo(short_of_words, 7)));

    std::cout << "nobody there:\n";
    pollux::block_on(greet(nullptr));
}
