// SPDX-License-Identifier: MIT
#include "pollux/process/pipe.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/coro/task.hpp"
#include "pollux/future/join.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/process/command.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "process/processes.hpp"
#include "support/driver_options.hpp"
#include "support/workers.hpp"

namespace {

using namespace pollux::test;
using pollux::current_thread_runtime;
using pollux::task;
using pollux::process::child;
using pollux::process::command;
using pollux::process::pipe_reader;
using pollux::process::pipe_writer;
using pollux::process::stdio;

static_assert(pollux::io::byte_reader<pipe_reader>);
static_assert(!pollux::io::byte_writer<pipe_reader>);
static_assert(pollux::io::byte_writer<pipe_writer>);
static_assert(!pollux::io::byte_reader<pipe_writer>);
static_assert(std::is_nothrow_move_constructible_v<pipe_writer>);
static_assert(std::is_nothrow_move_assignable_v<pipe_reader>);

struct cat {
    cat() : one(start()), in(*one.take_stdin()), out(*one.take_stdout()) {}
    static child start() {
        auto started = command("cat").stdin(stdio::piped).stdout(stdio::piped).spawn();
        REQUIRE(started.has_value());
        return std::move(*started);
    }
    child one;
    pipe_writer in;
    pipe_reader out;
};

task<bool> feed(pipe_writer to, std::string bytes) {
    const auto written = co_await to.write_all(bytes);
    const auto shut = co_await to.shutdown();
    co_return written.has_value() && shut.has_value();
}
task<std::string> drink(pipe_reader from) {
    auto bytes = co_await from.read_to_end();
    co_return std::move(bytes).value_or("failed");
}

}  // namespace

TEST_SUITE("process/pipe") {
    TEST_CASE("pipe: what is written comes back from cat, in pieces and whole") {
        current_thread_runtime rt(pollux::test::driver_options());
        cat both;
        CHECK(rt.block_on(both.in.write_all("ping")).has_value());
        CHECK(rt.block_on(both.out.read_some(100)).value() == "ping");
        std::string four(4, '-');
        CHECK(rt.block_on(both.in.write_all("pong!")).has_value());
        CHECK(rt.block_on(both.out.read_exact(four)).has_value());
        CHECK(four == "pong");
        CHECK(rt.block_on(both.in.shutdown()).has_value());
        CHECK(rt.block_on(both.out.read_to_end()).value() == "!");
        CHECK(rt.block_on(both.out.read_some(10)).value() == "");
    }
    TEST_CASE("pipe: a megabyte goes through while both ends wait for each other") {
        std::string bytes;
        for (std::size_t i = 0; i != 1'000'000; ++i) bytes += static_cast<char>('a' + i * 7 % 26);
        for (const unsigned n : {1u, 2u}) {
            pollux::runtime rt(workers(n));
            cat both;
            auto feeding = rt.spawn(feed(std::move(both.in), bytes));
            const auto got = rt.block_on(rt.spawn(drink(std::move(both.out))));
            CHECK(got == bytes);
            CHECK(rt.block_on(std::move(feeding)));
        }
    }
    TEST_CASE("pipe: packets that came at once, of a child that made it a pipe of packets, are read one by one") {
        current_thread_runtime rt(pollux::test::driver_options());
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT) == 0);
        pipe_reader out{pollux::net::detail::source(ends[0])};
        pipe_writer in{pollux::net::detail::source(ends[1])};
        auto reading = rt.spawn([&]() -> task<std::string> {
            std::string all;
            while (all.size() < 6) all += (co_await out.read_some(100)).value();
            co_return all;
        });
        rt.run_until_stalled();
        REQUIRE(in.try_write("abc").value() == 3);
        REQUIRE(in.try_write("def").value() == 3);
        CHECK(rt.block_on(std::move(reading)) == "abcdef");
    }
    TEST_CASE("pipe: lines") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto one = shell("printf 'a\\nb\\r\\nc'").stdout(stdio::piped).spawn();
        REQUIRE(one.has_value());
        auto lines = std::move(*one->take_stdout()).lines();
        std::string all;
        for (;;) {
            const auto line = rt.block_on(pollux::next(lines));
            if (!line.has_value()) break;
            all += line->value() + ';';
        }
        CHECK(all == "a;b;c;");
    }
    TEST_CASE("pipe: a child that does not read any more is broken_pipe, and no signal") {
        struct sigaction action = {}, before = {};
        static int raised;
        raised = 0;
        action.sa_handler = [](int) { ++raised; };
        REQUIRE(::sigaction(SIGPIPE, &action, &before) == 0);
        current_thread_runtime rt(pollux::test::driver_options());
        auto one = command("true").stdin(stdio::piped).spawn();
        REQUIRE(one.has_value());
        auto in = one->take_stdin();
        CHECK(rt.block_on(one->wait()).has_value());
        CHECK(rt.block_on(in->write("x")).error() == std::errc::broken_pipe);
        CHECK(in->try_write("x").error() == std::errc::broken_pipe);
        sigset_t waiting;
        REQUIRE(::sigpending(&waiting) == 0);
        CHECK(::sigismember(&waiting, SIGPIPE) == 0);
        sigset_t blocked;
        REQUIRE(::pthread_sigmask(SIG_BLOCK, nullptr, &blocked) == 0);
        CHECK(::sigismember(&blocked, SIGPIPE) == 0);
        CHECK(raised == 0);
        REQUIRE(::sigaction(SIGPIPE, &before, nullptr) == 0);
    }
    TEST_CASE("pipe: after shutdown a write is broken_pipe; an empty read or write is 0 at once") {
        current_thread_runtime rt(pollux::test::driver_options());
        cat both;
        CHECK(rt.block_on(both.in.write("")).value() == 0);
        CHECK(rt.block_on(both.out.read(pollux::io::span())).value() == 0);
        CHECK(rt.block_on(both.in.flush()).has_value());
        CHECK(both.in.native_handle() >= 0);
        CHECK(rt.block_on(both.in.shutdown()).has_value());
        CHECK(both.in.native_handle() == -1);
        CHECK(rt.block_on(both.in.write("x")).error() == std::errc::broken_pipe);
        CHECK(both.in.try_write("x").error() == std::errc::broken_pipe);
    }
    TEST_CASE("pipe: try_read and try_write say would_block instead of waiting, without a runtime") {
        cat both;
        std::string to(10, '-');
        CHECK(both.out.try_read(to).error() == std::errc::operation_would_block);
        CHECK(both.in.try_write("abc").value() == 3);
        auto read = both.out.try_read(to);
        while (!read.has_value()) read = both.out.try_read(to);
        CHECK(to.substr(0, *read) == "abc");
        REQUIRE(both.one.start_kill().has_value());
        read = both.out.try_read(to);
        while (!read.has_value()) read = both.out.try_read(to);
        CHECK(*read == 0);
    }
    TEST_CASE("pipe: throws no_runtime outside a runtime") {
        cat both;
        auto fut = both.out.read_some(1);
        CHECK_THROWS_AS(static_cast<void>(pollux::testing::poll_once(fut)), pollux::no_runtime);
    }
}
