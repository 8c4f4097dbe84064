// SPDX-License-Identifier: MIT
// Many bytes, in sizes at random, between our streams and plain sockets: that none is lost, doubled or changed.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "net/loopback.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/net/tcp_listener.hpp"
#include "pollux/net/tcp_stream.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/spawn.hpp"
#include "support/driver_options.hpp"
#include "support/posix_socket.hpp"
#include "support/workers.hpp"

namespace {

using namespace pollux::net;
using namespace pollux::test;
using pollux::task;

// The bytes of a direction: each is known from its place. Checks what comes and makes what goes.
class byte_sequence {
public:
    explicit byte_sequence(std::uint32_t seed) : state_(seed) {}

    void fill(std::string& bytes) {
        for (char& byte : bytes) byte = next();
    }
    bool is_next(std::string_view bytes) {
        return std::all_of(bytes.begin(), bytes.end(), [this](char byte) { return byte == next(); });
    }

private:
    char next() noexcept {
        state_ = state_ * 1'664'525 + 1'013'904'223;
        return static_cast<char>(state_ >> 24);
    }

    std::uint32_t state_;
};

// Sizes of one read or write: mostly small, now and then large.
class sizes {
public:
    explicit sizes(std::uint32_t seed) : random_(seed) {}

    std::size_t next(std::size_t most) {
        const std::size_t limit = std::size_t{1} << std::uniform_int_distribution(0, 17)(random_);
        return std::min(most, std::uniform_int_distribution<std::size_t>(1, limit)(random_));
    }

private:
    std::mt19937 random_;
};

template <class Writer>
task<bool> write_sequence(Writer out, std::size_t left, std::uint32_t seed) {
    byte_sequence sequence(seed);
    sizes each(seed);
    std::string bytes;
    while (left != 0) {
        bytes.resize(each.next(left));
        sequence.fill(bytes);
        const auto written = co_await out.write_all(bytes);
        if (!written.has_value()) co_return false;
        left -= bytes.size();
    }
    co_return true;  // dropping the half ends it
}

template <class Reader>
task<std::size_t> read_sequence(Reader in, std::uint32_t seed) {
    byte_sequence sequence(seed);
    sizes each(seed + 1);
    std::size_t all = 0;
    std::string bytes;
    for (;;) {
        bytes.resize(each.next(1 << 17));
        const auto n = co_await in.read(bytes);
        if (!n.has_value() || *n == 0) co_return all;
        if (!sequence.is_next(std::string_view(bytes).substr(0, *n))) co_return 0;
        all += *n;
    }
}

// Both directions of one connection at once.
template <class Runtime>
void transfer(Runtime& rt, std::size_t size) {
    auto ends = rt.block_on(connected()).value();
    auto one = std::move(ends.first).split();
    auto other = std::move(ends.second).split();
    auto there = rt.spawn(write_sequence(std::move(one.second), size, 1));
    auto back = rt.spawn(write_sequence(std::move(other.second), size, 2));
    auto arrived = rt.spawn(read_sequence(std::move(other.first), 1));
    auto returned = rt.spawn(read_sequence(std::move(one.first), 2));
    CHECK(rt.block_on(std::move(there)));
    CHECK(rt.block_on(std::move(back)));
    CHECK(rt.block_on(std::move(arrived)) == size);
    CHECK(rt.block_on(std::move(returned)) == size);
}

// A plain peer that sends back what comes, in sizes of its own.
void echo_plainly(const posix_socket& peer, std::uint32_t seed) {
    sizes each(seed);
    for (;;) {
        const std::string some = peer.read(each.next(1 << 17));
        if (some.empty()) break;
        peer.write(some);
    }
    peer.shutdown_write();
}

template <class Runtime>
void echo(Runtime& rt, std::size_t size) {
    const auto listener = posix_socket::bound(address_of("[::1]:0"));
    std::thread plain([&] { echo_plainly(listener.accept(), 7); });
    auto halves = rt.block_on(tcp_stream::connect(listener.local_address())).value().split();
    auto there = rt.spawn(write_sequence(std::move(halves.second), size, 3));
    auto back = rt.spawn(read_sequence(std::move(halves.first), 3));
    CHECK(rt.block_on(std::move(there)));
    CHECK(rt.block_on(std::move(back)) == size);
    plain.join();
}

// Connections that are made, used for one byte and closed or reset, by several tasks.
task<int> come_and_go(socket_address to, int times) {
    int answers = 0;
    for (int i = 0; i != times; ++i) {
        auto stream = co_await tcp_stream::connect(to);
        if (!stream.has_value()) continue;
        if (i % 3 == 0) static_cast<void>(stream->set_linger(std::chrono::seconds(0)));
        const auto written = co_await stream->write_all("x");
        if (i % 3 == 1 || !written.has_value()) continue;  // the answer is not waited for
        const auto answer = co_await stream->read_some(1);
        answers += answer.has_value() && *answer == "x";
    }
    co_return answers;
}

task<> answer(tcp_stream stream) {
    const auto question = co_await stream.read_some(1);
    if (question.has_value()) static_cast<void>(co_await stream.write_all(*question));
}
task<> serve(tcp_listener& listener, int connections) {
    for (int i = 0; i != connections; ++i) {
        auto stream = co_await listener.accept();
        if (stream.has_value()) pollux::spawn(answer(std::move(*stream))).detach();
    }
}

}  // namespace

TEST_SUITE("net/tcp_transfer stress") {
    TEST_CASE("tcp_stream: 64 MiB each way at once, on two workers") {
        pollux::runtime rt(workers(2));
        transfer(rt, std::size_t{64} << 20);
    }
    TEST_CASE("tcp_stream: 64 MiB each way at once, without workers") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        transfer(rt, std::size_t{64} << 20);
    }
    TEST_CASE("tcp_stream: a plain peer sends back what it gets") {
        pollux::runtime rt(workers(2));
        echo(rt, std::size_t{16} << 20);
        pollux::current_thread_runtime alone(pollux::test::driver_options());
        echo(alone, std::size_t{16} << 20);
    }
    TEST_CASE("tcp_stream: connections come and go, are closed and reset, and descriptors are used again and again") {
        pollux::runtime rt(workers(2));
        auto listener = rt.block_on(tcp_listener::bind("127.0.0.1:0")).value();
        const auto own = listener.local_address().value();
        constexpr int clients = 8, times = 150;
        auto serving = rt.spawn(serve(listener, clients * times));
        std::vector<pollux::join_handle<int>> all;
        for (int i = 0; i != clients; ++i) all.push_back(rt.spawn(come_and_go(own, times)));
        int answers = 0;
        for (auto& each : all) answers += rt.block_on(std::move(each));
        CHECK(answers == clients * times * 2 / 3);
        rt.block_on(std::move(serving));
    }
}
