// SPDX-License-Identifier: MIT
// A server is a stream of connections and what is done with each of them: greet, then hang up.
//
// for_each() greets one client after the other: while it waits for one who does not read, nobody else is served.
// for_each_concurrent() lets the greetings go on side by side, and a client who dawdles delays nobody. Either way a client who
// has gone is a greeting that fails, and greet() deals with it: as an error of for_each() it would have ended the server.
//
// Listener and connections are channels in memory. A connection has room for one word, so the second waits until the client reads. The
// clock is that of a simulation: the minute of the slow client takes no time, and every figure is exact.
//
// Next: simulated.cpp uses the simulation for what it is made for: to test what depends on who goes on when.
//
// Prints:
//   one after the other:
//     a client had gone
//     the slow client: hello world, after 60 s
//     100 quick clients: hello world, the last after 60 s
//   side by side:
//     a client had gone
//     the slow client: hello world, after 60 s
//     100 quick clients: hello world, the last after 0 s
#include <algorithm>
#include <chrono>
#include <iostream>
#include <pollux/future.hpp>
#include <pollux/runtime.hpp>
#include <pollux/stream.hpp>
#include <pollux/sync.hpp>
#include <pollux/testing.hpp>
#include <pollux/time.hpp>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace mpsc = pollux::sync::mpsc;
using namespace std::chrono_literals;

using connection = mpsc::sender<std::string>;
using words = mpsc::receiver<std::string>;

pollux::task<> greet(connection to) {
    auto sent = co_await to.send("hello ");
    if (sent) sent = co_await to.send("world");
    if (!sent) std::cout << "  a client had gone\n";
    // `to` goes out of scope: that is hanging up.
}

// Any connection that somebody makes arrives at the listener; what is said on it comes back as a stream of words.
pollux::task<words> connect(mpsc::sender<connection> listener) {
    auto [to_client, from_server] = mpsc::channel<std::string>(1);
    (void)co_await listener.send(std::move(to_client));
    co_return std::move(from_server);
}

// All the server says until it hangs up, and how long it took.
pollux::task<std::pair<std::string, std::chrono::seconds>> listen(words from, std::chrono::seconds dawdles) {
    const auto start = pollux::clock::now();
    co_await pollux::sleep_for(dawdles);
    std::string heard = co_await pollux::concat(std::move(from));
    co_return {std::move(heard), std::chrono::duration_cast<std::chrono::seconds>(pollux::clock::now() - start)};
}

pollux::task<> visit(mpsc::sender<connection> listener) {
    { const words unread = co_await connect(listener); }
    auto slow = pollux::spawn(listen(co_await connect(listener), 60s));
    std::vector<decltype(slow)> quick;
    for (int i = 0; i < 100; ++i) quick.push_back(pollux::spawn(listen(co_await connect(listener), 0s)));

    const auto [heard, after] = co_await slow;
    std::cout << "  the slow client: " << heard << ", after " << after.count() << " s\n";
    int greeted = 0;
    auto last = 0s;
    const auto visits = co_await pollux::join_all(std::move(quick));
    for (const auto& [text, seconds] : visits) {
        greeted += text == "hello world";
        last = std::max(last, seconds);
    }
    std::cout << "  " << greeted << " quick clients: hello world, the last after " << last.count() << " s\n";
}

}  // namespace

int main() {
    pollux::testing::sim_runtime sim(1);

    std::cout << "one after the other:\n";
    auto [listener, connections] = mpsc::channel<connection>(128);
    sim.block_on(pollux::join(pollux::for_each(std::move(connections), greet), visit(std::move(listener))));

    std::cout << "side by side:\n";
    auto [second_listener, more] = mpsc::channel<connection>(128);
    sim.block_on(
        pollux::join(pollux::for_each_concurrent(std::move(more), 0, greet), visit(std::move(second_listener))));
}
