// SPDX-License-Identifier: MIT
// Which workers a harvest of events wakes.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <system_error>
#include <utility>
#include <vector>

#include "pollux/coro/task.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/net/source.hpp"
#include "pollux/runtime/runtime.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using pollux::context;
using pollux::task;
using pollux::net::direction;
using pollux::net::detail::source;
using pollux::test::wait_until;

struct pair {
    pair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        REQUIRE(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
        ours = source(ends[0]);
        theirs = ends[1];
    }
    ~pair() { ::close(theirs); }

    source ours;
    int theirs;
};

auto read_byte(source& from, char& to) {
    return pollux::poll_fn(
        [&](context& cx) { return from.poll_io(cx, direction::read, 1, [&](int fd) { return ::read(fd, &to, 1); }); });
}

task<> echoes(source& one) {
    for (;;) {
        char byte = 0;
        const std::expected<std::size_t, std::error_code> read = co_await read_byte(one, byte);
        if (!read || *read == 0 || ::write(one.descriptor(), &byte, 1) != 1) co_return;
    }
}

// Two workers that no third comes to help.
pollux::runtime_options two_alone() {
    auto options = pollux::test::workers(2);
    options.watchdog_limit = std::chrono::nanoseconds::zero();
    return options;
}

}  // namespace

TEST_SUITE("net/events") {
    TEST_CASE("events: one event alone wakes no other worker") {
        pair sockets;
        pollux::runtime rt(two_alone());
        auto echo = rt.spawn(echoes(sockets.ours));
        const auto round_trip = [&] {
            char byte = 'x';
            REQUIRE(::write(sockets.theirs, &byte, 1) == 1);
            REQUIRE(::read(sockets.theirs, &byte, 1) == 1);
        };
        round_trip();
        const auto before = rt.metrics().wakes;
        for (int i = 0; i != 100; ++i) round_trip();
        // Those whom the spawn and the first one have woken may count themselves only now.
        CHECK(rt.metrics().wakes < before + 10);
        REQUIRE(::shutdown(sockets.theirs, SHUT_WR) == 0);
        rt.block_on(std::move(echo));
    }

    TEST_CASE("events: of those that come at once a sleeping worker takes its share") {
        pair sockets[2];
        pollux::runtime rt(two_alone());
        std::atomic<int> busy = 0, waiting = 0, met = 0;
        std::atomic<bool> may_go = false;
        const auto meets = [&](source& from) -> task<> {
            char byte = 0;
            auto reading = read_byte(from, byte);
            co_await pollux::poll_fn([&](context& cx) {
                auto read = reading.poll(cx);
                ++waiting;
                return read;
            });
            ++met;
            wait_until([&] { return met == 2; });
        };
        const auto blocks = [&]() -> task<> {
            ++busy;
            wait_until([&] { return may_go.load(); });
            co_return;
        };
        std::vector<pollux::join_handle<void>> all;
        for (auto& each : sockets) all.push_back(rt.spawn(meets(each.ours)));
        wait_until([&] { return waiting == 2; });
        for (int i = 0; i != 2; ++i) all.push_back(rt.spawn(blocks()));
        wait_until([&] { return busy == 2; });
        for (auto& each : sockets) REQUIRE(::write(each.theirs, "x", 1) == 1);
        may_go = true;
        for (auto& each : all) rt.block_on(std::move(each));
        CHECK(met == 2);
    }
}
