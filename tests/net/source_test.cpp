// SPDX-License-Identifier: MIT
// Sources over pairs of sockets and pipes, whose other end is a plain descriptor. The schedules are the model's business
// (tests/model/readiness_model.cpp).
#include "pollux/net/source.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "support/driver_options.hpp"
#include "support/everywhere.hpp"
#include "support/process_state.hpp"
#include "support/wait_until.hpp"
#include "support/wake_counter.hpp"
#include "support/workers.hpp"

namespace {

using pollux::context;
using pollux::polled;
using pollux::task;
using pollux::net::direction;
using pollux::net::detail::source;
using pollux::net::detail::source_waiter;
using pollux::test::gives_everywhere;
using pollux::test::wait_until;
using pollux::test::workers;

using answer = std::expected<std::size_t, std::error_code>;

struct socket_pair {
    socket_pair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        ours = source(ends[0]);
        theirs = source(ends[1]);
    }
    source ours, theirs;
};

polled<std::size_t, std::error_code> poll_read(source& from, context& cx, char* to, std::size_t size) {
    return from.poll_io(cx, direction::read, size, [=](int fd) { return ::read(fd, to, size); });
}

auto read_byte(source& from, char& to) {
    return pollux::poll_fn([&](context& cx) { return poll_read(from, cx, &to, 1); });
}

auto readable(source& from, source_waiter& self) {
    return pollux::poll_fn([&](context& cx) -> polled<bool, std::error_code> {
        auto ready = from.poll_ready(cx, direction::read, self);
        if (ready.is_pending()) return pollux::pending;
        if (ready.has_error()) return std::unexpected(ready.error());
        return true;
    });
}

// A byte goes to and fro.
task<std::size_t> echo(source& one, std::size_t turns) {
    for (std::size_t i = 0; i != turns; ++i) {
        char byte = 0;
        const answer read = co_await read_byte(one, byte);
        if (!read || *read == 0) co_return i;
        if (::write(one.descriptor(), &byte, 1) != 1) co_return i;
    }
    co_return turns;
}
task<std::size_t> ping(source& one, std::size_t turns) {
    for (std::size_t i = 0; i != turns; ++i) {
        char byte = 'x';
        if (::write(one.descriptor(), &byte, 1) != 1) co_return i;
        const answer read = co_await read_byte(one, byte);
        if (!read || *read == 0 || byte != 'x') co_return i;
    }
    co_return turns;
}
task<std::size_t> ping_pong(std::size_t turns) {
    auto pair = std::make_unique<socket_pair>();
    auto other = pollux::spawn(echo(pair->theirs, turns));
    const std::size_t done = co_await ping(pair->ours, turns);
    const std::size_t echoed = co_await other;
    co_return done + echoed;
}

task<> reads_and_tells(source& from, std::atomic<bool>& is_read) {
    char byte = 0;
    co_await read_byte(from, byte);
    is_read = true;
}

task<bool> waits_for_end(source& from) {
    char byte = 0;
    const answer read = co_await read_byte(from, byte);
    co_return read.has_value() && *read == 0;
}

// Nothing has come, and the buffer is full.
void wait_for_both(pollux::current_thread_runtime& rt, source& one, const pollux::test::wake_counter& reader,
                   const pollux::test::wake_counter& writer) {
    const std::vector<char> much(1 << 20);
    const auto fill = [&](int fd) { return ::write(fd, much.data(), much.size()); };
    // Twice: once it is in the reactor, it waits to be told that it is writable.
    for (int i = 0; i != 2; ++i) {
        rt.block_on(pollux::poll_fn([&](context& cx) -> polled<bool> {
            const pollux::waker to_reader = reader.waker(), to_writer = writer.waker();
            context for_reader = cx.with_waker(to_reader), for_writer = cx.with_waker(to_writer);
            char byte = 0;
            CHECK(poll_read(one, for_reader, &byte, 1).is_pending());
            while (!one.poll_io(for_writer, direction::write, much.size(), fill).is_pending());
            return true;
        }));
        rt.run_until_stalled();
    }
}

}  // namespace

TEST_SUITE("net/source") {
    TEST_CASE("source: two tasks send a byte to and fro") {
        gives_everywhere([] { return ping_pong(1000); }, std::size_t{2000});
    }

    TEST_CASE("source: what is there at the first poll is read without a reactor") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        socket_pair pair;
        REQUIRE(::write(pair.theirs.descriptor(), "a", 1) == 1);
        char byte = 0;
        CHECK(rt.block_on(read_byte(pair.ours, byte)) == answer(1));
        CHECK(byte == 'a');
        // An io_uring is there from the beginning.
        CHECK(
            rt.metrics().descriptors ==
            (pollux::test::driver_of_tests() == pollux::io_driver::uring ? pollux::test::descriptors_of_reactor() : 0));
    }

    TEST_CASE("source: outside of a runtime it throws, and in a simulation") {
        socket_pair pair;
        char byte = 0;
        CHECK_THROWS_AS(pollux::block_on(read_byte(pair.ours, byte)), pollux::no_runtime);
        pollux::testing::sim_runtime sim(1);
        CHECK_THROWS_AS(sim.block_on(read_byte(pair.ours, byte)), pollux::no_runtime);
    }

    TEST_CASE("source: a reader does not wake the writer, nor the other way round") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        socket_pair pair;
        pollux::test::wake_counter reader, writer;
        wait_for_both(rt, pair.ours, reader, writer);
        const auto reads = reader.count(), writes = writer.count();
        REQUIRE(::write(pair.theirs.descriptor(), "a", 1) == 1);
        rt.run_until_stalled();
        CHECK(reader.count() == reads + 1);
        CHECK(writer.count() == writes);
        char much[1024];
        while (::read(pair.theirs.descriptor(), much, sizeof much) > 0);
        rt.run_until_stalled();
        CHECK(reader.count() == reads + 1);
        CHECK(writer.count() == writes + 1);
    }

    TEST_CASE("source: the end of the other side wakes both") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        socket_pair pair;
        pollux::test::wake_counter reader, writer;
        wait_for_both(rt, pair.ours, reader, writer);
        const auto reads = reader.count(), writes = writer.count();
        pair.theirs = source();
        rt.run_until_stalled();
        CHECK(reader.count() == reads + 1);
        CHECK(writer.count() == writes + 1);
    }

    TEST_CASE("source: an end that comes with the last bytes is seen") {
        gives_everywhere(
            []() -> task<bool> {
                auto pair = std::make_unique<socket_pair>();
                char bytes[8];
                auto first = pollux::spawn(waits_for_end(pair->theirs));
                co_await pollux::yield_now();
                // Registered by now, or soon. A partial read leaves the end standing.
                const auto written = ::write(pair->theirs.descriptor(), "abc", 3);
                ::shutdown(pair->theirs.descriptor(), SHUT_WR);
                const answer read = co_await pollux::poll_fn(
                    [&](context& cx) { return poll_read(pair->ours, cx, bytes, sizeof bytes); });
                const bool ended = co_await waits_for_end(pair->ours);
                ::shutdown(pair->ours.descriptor(), SHUT_WR);
                const bool other_ended = co_await first;
                co_return written == 3 && read == answer(3) && ended&& other_ended;
            },
            true);
    }

    TEST_CASE("source: any number of waiters in futures are woken by one event") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        socket_pair pair;
        unsigned ready = 0;
        std::vector<pollux::join_handle<bool>> tasks;
        // No one has found that it would block, so the first try is free: this makes it wait.
        pair.ours.would_block(direction::read, {});
        for (int i = 0; i != 20; ++i)
            tasks.push_back(rt.spawn([&]() -> task<bool> {
                source_waiter self;
                const std::expected<bool, std::error_code> is_ready = co_await readable(pair.ours, self);
                ++ready;
                co_return is_ready.has_value();
            }));
        rt.run_until_stalled();
        CHECK(ready == 0);
        REQUIRE(::write(pair.theirs.descriptor(), "a", 1) == 1);
        rt.run_until_stalled();
        CHECK(ready == 20);
    }

    TEST_CASE("source: a waiter that is dropped leaves the line") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        socket_pair pair;
        pair.ours.would_block(direction::read, {});
        pollux::test::wake_counter counter;
        {
            source_waiter self;
            rt.block_on(pollux::poll_fn([&](context& cx) -> polled<bool> {
                const pollux::waker to_counter = counter.waker();
                context other = cx.with_waker(to_counter);
                CHECK(pair.ours.poll_ready(other, direction::read, self).is_pending());
                return true;
            }));
        }
        REQUIRE(::write(pair.theirs.descriptor(), "a", 1) == 1);
        rt.run_until_stalled();
        CHECK(counter.count() == 0);
    }

    TEST_CASE("source: a descriptor that is used again does not wake who waited for the older one") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        pollux::test::wake_counter counter;
        int number = -1;
        {
            socket_pair pair;
            number = pair.ours.descriptor();
            rt.block_on(pollux::poll_fn([&](context& cx) -> polled<bool> {
                const pollux::waker to_counter = counter.waker();
                context other = cx.with_waker(to_counter);
                char byte = 0;
                CHECK(poll_read(pair.ours, other, &byte, 1).is_pending());
                return true;
            }));
            // The event is there, and nobody has harvested it.
            REQUIRE(::write(pair.theirs.descriptor(), "a", 1) == 1);
        }
        socket_pair again;
        CHECK(again.ours.descriptor() == number);
        char byte = 0;
        auto reader = rt.spawn([&]() -> task<char> {
            co_await read_byte(again.ours, byte);
            co_return byte;
        });
        rt.run_until_stalled();
        CHECK_FALSE(reader.is_finished());
        CHECK(counter.count() == 0);
        REQUIRE(::write(again.theirs.descriptor(), "b", 1) == 1);
        CHECK(rt.block_on(std::move(reader)) == 'b');
    }

    TEST_CASE("source: a child of fork that drops it takes nothing from its parent") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        socket_pair pair;
        char byte = 0;
        auto reader = rt.spawn([&]() -> task<char> {
            co_await read_byte(pair.ours, byte);
            co_return byte;
        });
        rt.run_until_stalled();
        const ::pid_t child = ::fork();
        if (child == 0) {
            pair.ours = source();
            ::_exit(0);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        REQUIRE(::write(pair.theirs.descriptor(), "a", 1) == 1);
        CHECK(rt.block_on(std::move(reader)) == 'a');
    }

    TEST_CASE("source: it leaves no descriptor behind, and the runtime closes its own") {
        const auto before = pollux::test::descriptors_of_process();
        {
            pollux::runtime rt(workers(2));
            for (int i = 0; i != 100; ++i) CHECK(rt.block_on(ping_pong(1)) == 2);
            CHECK(rt.metrics().descriptors == pollux::test::descriptors_of_reactor());
        }
        CHECK(pollux::test::descriptors_of_process() == before);
    }

    TEST_CASE("source: the end of its runtime fails who waits in another thread, and it may be dropped after that") {
        socket_pair pair;
        std::optional<pollux::runtime> rt(std::in_place, workers(1));
        rt->block_on(pollux::poll_fn([&](context& cx) -> polled<bool> {
            char byte = 0;
            CHECK(poll_read(pair.ours, cx, &byte, 1).is_pending());
            return true;
        }));
        std::atomic<bool> waits = false;
        std::thread waiting([&] {
            pollux::current_thread_runtime own(pollux::test::driver_options());
            char byte = 0;
            // It is in the first runtime's reactor.
            const answer read = own.block_on(pollux::poll_fn([&](context& cx) {
                auto polled_once = poll_read(pair.ours, cx, &byte, 1);
                if (polled_once.is_pending()) waits = true;
                return polled_once;
            }));
            CHECK(read.error() == std::errc::operation_canceled);
        });
        wait_until([&] { return waits.load(); });
        rt.reset();
        REQUIRE(::write(pair.theirs.descriptor(), "a", 1) == 1);
        waiting.join();
    }

    TEST_CASE("source: a file is no descriptor that can be waited for, and says so") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        source file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        REQUIRE(file.is_open());
        file.would_block(direction::read, {});
        source_waiter self;
        const auto ready = rt.block_on(readable(file, self));
        REQUIRE_FALSE(ready.has_value());
        CHECK(ready.error() == std::errc::operation_not_permitted);
    }

    TEST_CASE("source: events are handed out while a task computes") {
        pollux::runtime rt(workers(1));
        socket_pair pair;
        std::atomic<bool> is_read = false;
        auto reader = rt.spawn(reads_and_tells(pair.ours, is_read));
        auto busy = rt.spawn([&]() -> task<> {
            while (!is_read) co_await pollux::yield_now();
        });
        REQUIRE(::write(pair.theirs.descriptor(), "a", 1) == 1);
        rt.block_on(std::move(busy));
        rt.block_on(std::move(reader));
    }

    TEST_CASE("source: events are handed out while what block_on was given wakes itself") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        socket_pair pair;
        char byte = 0;
        auto reader = rt.spawn([&]() -> task<char> {
            co_await read_byte(pair.ours, byte);
            co_return byte;
        });
        rt.run_until_stalled();
        int turns = 0;
        CHECK(rt.block_on(pollux::poll_fn([&](context& cx) -> polled<bool> {
            if (reader.is_finished()) return true;
            // When the looks at the beginning are over.
            if (++turns == 1000) REQUIRE(::write(pair.theirs.descriptor(), "a", 1) == 1);
            cx.waker().wake();
            return pollux::pending;
        })));
    }

    TEST_CASE("source: events are handed out while the only worker is stuck in a poll") {
        auto options = workers(1);
        options.watchdog_limit = std::chrono::hours(1);
        pollux::runtime rt(options);
        socket_pair pair;
        std::atomic<bool> is_read = false;
        auto reader = rt.spawn(reads_and_tells(pair.ours, is_read));
        auto stuck = rt.spawn([&]() -> task<> {
            REQUIRE(::write(pair.theirs.descriptor(), "a", 1) == 1);
            while (!is_read) std::this_thread::yield();
            co_return;
        });
        rt.block_on(std::move(stuck));
        rt.block_on(std::move(reader));
    }
}
