// SPDX-License-Identifier: MIT
// Which workers a harvest of events wakes.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
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
using pollux::net::detail::source_waiter;
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

    TEST_CASE("events: a few whose tasks are soon done wake no other worker") {
        constexpr int tasks = 3, rounds = 1000;
        // Each write is an event, though nobody reads.
        source count(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
        pollux::runtime rt(two_alone());
        std::atomic<int> waits = 0;
        std::atomic<bool> is_over = false;
        const auto waits_again = [&]() -> task<> {
            source_waiter place;
            co_await pollux::poll_fn([&](context& cx) -> pollux::polled<void> {
                for (;;) {
                    auto ready = count.poll_ready(cx, direction::read, place);
                    if (ready.is_pending()) break;
                    count.would_block(direction::read, ready.value());
                }
                ++waits;
                if (is_over) return pollux::polled<void>::ready();
                return pollux::pending;
            });
        };
        std::vector<pollux::join_handle<void>> all;
        for (int i = 0; i != tasks; ++i) all.push_back(rt.spawn(waits_again()));
        std::uint64_t before = 0;
        for (int i = 1; i != rounds; ++i) {
            wait_until([&] { return waits == tasks * i; });
            // A new worker knows nothing of its polls.
            if (i == rounds / 2) before = rt.metrics().wakes;
            is_over = i + 1 == rounds;
            REQUIRE(::eventfd_write(count.descriptor(), 1) == 0);
        }
        for (auto& each : all) rt.block_on(std::move(each));
        // Some, where the system has kept a poll waiting. It was as many as there are rounds.
        CHECK(rt.metrics().wakes < before + rounds / 4);
    }

    TEST_CASE("events: of those that come at once behind long polls a sleeping worker takes its share") {
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
            // Long enough that the worker expects it of the next ones, too.
            const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
            wait_until([&] { return std::chrono::steady_clock::now() >= end; });
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
