// SPDX-License-Identifier: MIT
#include "pollux/net/tcp_stream.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "net/loopback.hpp"
#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/net/errc.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/testing/poll.hpp"
#include "support/driver_options.hpp"
#include "support/everywhere.hpp"
#include "support/posix_socket.hpp"
#include "support/process_state.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::net;
using namespace pollux::test;
using pollux::current_thread_runtime;
using pollux::task;
using pollux::io::const_span;
using pollux::io::span;
using pollux::testing::poll_once;

static_assert(pollux::io::byte_stream<tcp_stream>);
static_assert(!std::is_copy_constructible_v<tcp_stream>);
static_assert(std::is_nothrow_move_constructible_v<tcp_stream>);
static_assert(std::is_nothrow_move_assignable_v<tcp_stream>);
static_assert(sizeof(tcp_stream) == sizeof(detail::source), "the bases are empty");

// A stream whose other end is a plain socket.
struct half_plain {
    explicit half_plain(const char* at = "127.0.0.1:0") : half_plain(posix_socket::bound(address_of(at))) {}

    current_thread_runtime rt{pollux::test::driver_options()};
    posix_socket theirs;
    tcp_stream ours;

private:
    explicit half_plain(const posix_socket& listener)
        : theirs(posix_socket::connected(listener.local_address())),
          // Accepted by hand, so that it knows nothing of a reactor yet.
          ours(detail::source(::accept4(listener.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC))) {}
};

// Where it is the driver that sends, the error comes after the bytes were taken.
task<void, std::error_code> write_and_flush(tcp_stream& stream, std::string_view bytes) {
    co_await pollux::try_(stream.write_all(bytes));
    co_await pollux::try_(stream.flush());
    co_return {};
}

task<bool, std::error_code> echo_once(socket_address to) {
    tcp_stream stream = co_await pollux::try_(tcp_stream::connect(to));
    co_await pollux::try_(stream.write_all("ping"));
    std::string answer(4, '-');
    co_await pollux::try_(stream.read_exact(answer));
    co_return answer == "ping" && stream.peer_address() == to;
}

std::errc error_of(const auto& result) { return static_cast<std::errc>(result.error().value()); }

}  // namespace

TEST_SUITE("net/tcp_stream") {
    TEST_CASE("tcp_stream: connects to a plain listener, writes to it and reads from it, in every runtime") {
        for (const char* text : {"127.0.0.1:0", "[::1]:0"}) {
            CAPTURE(text);
            const auto listener = posix_socket::bound(address_of(text));
            std::thread server([&] {
                // As often as gives_everywhere connects.
                for (int i = 0; i != 8; ++i) {
                    const auto peer = listener.accept();
                    peer.write(peer.read(4));
                }
            });
            gives_everywhere([&] { return echo_once(listener.local_address()); },
                             std::expected<bool, std::error_code>(true));
            server.join();
        }
    }
    TEST_CASE("tcp_stream: connecting is lazy, throws no_runtime outside a runtime, fails with what the system says") {
        const socket_address nobody = posix_socket::bound(address_of("127.0.0.1:0")).local_address();
        const auto descriptors = descriptors_of_process();
        auto fut = tcp_stream::connect(nobody);
        CHECK_THROWS_AS(static_cast<void>(poll_once(fut)), pollux::no_runtime);
        CHECK(descriptors_of_process() == descriptors);
        current_thread_runtime rt(pollux::test::driver_options());
        CHECK(rt.block_on(tcp_stream::connect(nobody)).error() == std::errc::connection_refused);
        CHECK(rt.block_on(tcp_stream::connect("127.0.0.1")).error() == errc::bad_address);
        CHECK(rt.block_on(tcp_stream::connect(*socket_address::unix_path("/x"))).error() == errc::bad_address);
        CHECK(rt.block_on(tcp_stream::connect("no such name:80")).error().category() == resolve_category());
    }
    TEST_CASE("tcp_stream: a connect that is dropped while it is pending closes its socket") {
        // Its places are taken, so what comes after them is not answered.
        const auto listener = posix_socket::bound(address_of("127.0.0.1:0"), SOCK_STREAM, 0);
        const auto first = posix_socket::connected(listener.local_address());
        current_thread_runtime rt(pollux::test::driver_options());
        const wake_counter woken;
        {
            auto warm_up = tcp_stream::connect(listener.local_address());
            CHECK(poll_in(rt, warm_up, woken).is_pending());
        }
        const auto before = descriptors_of_process();
        {
            auto second = tcp_stream::connect(listener.local_address());
            CHECK(poll_in(rt, second, woken).is_pending());
            CHECK(descriptors_of_process() == before + 1);
        }
        CHECK(descriptors_of_process() == before);
        CHECK(!woken.is_kept());
        CHECK(woken.count() == 0);
    }
    TEST_CASE("tcp_stream: a read that waits has touched nothing, and wakes the waker of its latest poll") {
        half_plain both;
        std::string to(8, '-');
        auto fut = both.ours.read(to);
        const wake_counter first, second;
        CHECK(poll_in(both.rt, fut, first).is_pending());
        CHECK(poll_in(both.rt, fut, second).is_pending());
        CHECK(!first.is_kept());
        CHECK(to == "--------");
        both.theirs.write("abc");
        drive_until(both.rt, [&] { return second.count() == 1; });
        CHECK(poll_in(both.rt, fut, second).value() == 3);
        CHECK(to == "abc-----");
        CHECK(first.count() == 0);
    }
    TEST_CASE("tcp_stream: an empty read or write is 0 at once") {
        half_plain both;
        CHECK(both.rt.block_on(both.ours.read(span())).value() == 0);
        CHECK(both.rt.block_on(both.ours.write("")).value() == 0);
        CHECK(both.ours.try_read(span()).value() == 0);
        CHECK(both.ours.try_write("").value() == 0);
    }
    TEST_CASE(
        "tcp_stream: try_read and try_write never wait: would block, some bytes, the end; also outside a runtime") {
        half_plain both;
        std::string to(8, '-');
        CHECK(both.ours.try_read(to).error() == std::errc::operation_would_block);
        both.theirs.write("abc");
        CHECK(both.rt.block_on(both.ours.readable()).has_value());
        CHECK(both.ours.try_read(to).value() == 3);
        CHECK(both.ours.try_read(to).error() == std::errc::operation_would_block);
        both.theirs.shutdown_write();
        CHECK(both.rt.block_on(both.ours.readable()).has_value());
        CHECK(both.ours.try_read(to).value() == 0);

        const std::string much(100'000, 'x');
        std::size_t written = 0;
        for (;;) {
            const auto n = both.ours.try_write(much);
            if (!n) {
                CHECK(n.error() == std::errc::operation_would_block);
                break;
            }
            written += *n;
        }
        CHECK(written > 0);
        std::thread reader([&] {
            for (std::size_t left = written; left != 0;) left -= both.theirs.read(left).size();
        });
        CHECK(both.rt.block_on(both.ours.writable()).has_value());
        CHECK(both.ours.try_write("x").value() == 1);
        reader.join();
    }
    TEST_CASE("tcp_stream: readable waits for what is there, however often it was ready, and for the end") {
        half_plain both;
        const wake_counter woken;
        std::string to(1, '-');
        for (int round = 1; round != 4; ++round) {
            CAPTURE(round);
            auto fut = both.ours.readable();
            CHECK(poll_in(both.rt, fut, woken).is_pending());
            CHECK(poll_in(both.rt, fut, woken).is_pending());
            both.theirs.write("x");
            drive_until(both.rt, [&] { return woken.count() >= round; });
            CHECK(poll_in(both.rt, fut, woken).has_value());
            auto again = both.ours.readable();
            CHECK(poll_in(both.rt, again, woken).has_value());
            CHECK(both.ours.try_read(to).value() == 1);
        }
        auto ended = both.ours.readable();
        CHECK(poll_in(both.rt, ended, woken).is_pending());
        both.theirs.shutdown_write();
        drive_until(both.rt, [&] { return woken.count() == 4; });
        CHECK(poll_in(both.rt, ended, woken).has_value());
    }
    TEST_CASE("tcp_stream: peek leaves the bytes for the next read") {
        half_plain both;
        both.theirs.write("abc");
        std::string to(2, '-');
        CHECK(both.rt.block_on(both.ours.peek(to)).value() == 2);
        CHECK(to == "ab");
        CHECK(both.rt.block_on(both.ours.peek(to)).value() == 2);
        CHECK(both.rt.block_on(both.ours.read_some(8)).value() == "abc");
        auto waits = both.ours.peek(to);
        const wake_counter woken;
        CHECK(poll_in(both.rt, waits, woken).is_pending());
        both.theirs.shutdown_write();
        drive_until(both.rt, [&] { return woken.count() == 1; });
        CHECK(poll_in(both.rt, waits, woken).value() == 0);
    }
    TEST_CASE("tcp_stream: half-closed by either side, the other direction goes on") {
        half_plain both;
        CHECK(both.ours.shutdown_write().has_value());
        CHECK(both.theirs.read_to_end().empty());
        both.theirs.write("still here");
        both.theirs.shutdown_write();
        CHECK(both.rt.block_on(both.ours.read_to_end()).value() == "still here");
        CHECK(both.rt.block_on(write_and_flush(both.ours, "x")).error() == std::errc::broken_pipe);

        half_plain other;
        other.theirs.shutdown_write();
        CHECK(other.rt.block_on(other.ours.read_some(8)).value().empty());
        CHECK(other.rt.block_on(other.ours.write_all("reply")).has_value());
        CHECK(other.rt.block_on(other.ours.shutdown()).has_value());
        CHECK(other.theirs.read_to_end() == "reply");
    }
    // With io_uring it said that the bytes were written, and they were gone.
    TEST_CASE("tcp_stream: a write after its own shutdown fails, and does not wait for a flush to say so") {
        half_plain both;
        const auto shut = [&] { CHECK(both.ours.shutdown_write().has_value()); };
        SUBCASE("as the first thing that is done with it") { shut(); }
        SUBCASE("behind a read") {
            std::string to(1, '-');
            auto fut = both.ours.read(to);
            const wake_counter woken;
            CHECK(poll_in(both.rt, fut, woken).is_pending());
            shut();
        }
        SUBCASE("behind a write") {
            CHECK(both.rt.block_on(both.ours.write_all("ab")).has_value());
            shut();
            CHECK(both.theirs.read_to_end() == "ab");
        }
        SUBCASE("by the future") { CHECK(both.rt.block_on(both.ours.shutdown()).has_value()); }
        SUBCASE("and was moved since") {
            shut();
            tcp_stream moved = std::move(both.ours);
            both.ours = std::move(moved);
        }
        for (int i = 0; i != 2; ++i) {
            CHECK(both.rt.block_on(both.ours.write("lost")).error() == std::errc::broken_pipe);
            const std::array<const_span, 2> parts{const_span("lo"), const_span("st")};
            CHECK(both.rt
                      .block_on(pollux::poll_fn(
                          [&](pollux::context& cx) { return both.ours.poll_write_vectored(cx, parts); }))
                      .error() == std::errc::broken_pipe);
            CHECK(both.ours.try_write("lost").error() == std::errc::broken_pipe);
        }
    }
    TEST_CASE(
        "tcp_stream: a reset is connection_reset for a reader that waits, then the end; writing then raises no "
        "SIGPIPE") {
        half_plain both;
        const wake_counter woken;
        std::string to(8, '-');
        {
            auto fut = both.ours.read(to);
            CHECK(poll_in(both.rt, fut, woken).is_pending());
            both.theirs.reset();
            drive_until(both.rt, [&] { return woken.count() == 1; });
            CHECK(error_of(poll_in(both.rt, fut, woken).take()) == std::errc::connection_reset);
        }
        CHECK(both.rt.block_on(both.ours.read(to)).value() == 0);
        CHECK(both.rt.block_on(both.ours.write("x")).error() == std::errc::broken_pipe);
        CHECK(both.ours.try_write("x").error() == std::errc::broken_pipe);
        const std::array<const_span, 1> parts{const_span("x")};
        CHECK(both.rt
                  .block_on(
                      pollux::poll_fn([&](pollux::context& cx) { return both.ours.poll_write_vectored(cx, parts); }))
                  .error() == std::errc::broken_pipe);
        CHECK(both.ours.shutdown_write().has_value());
        CHECK(both.ours.peer_address().error() == std::errc::not_connected);
    }
    TEST_CASE("tcp_stream: writes from and reads into several places at once") {
        half_plain both;
        const std::array<const_span, 4> out{const_span("ab"), const_span(""), const_span("cde"), const_span("f")};
        CHECK(
            both.rt
                .block_on(pollux::poll_fn([&](pollux::context& cx) { return both.ours.poll_write_vectored(cx, out); }))
                .value() == 6);
        CHECK(both.theirs.read(8) == "abcdef");
        both.theirs.write("uvwxyz");
        std::string first(1, '-'), second(8, '-');
        const std::array<span, 3> in{span(first), span(), span(second)};
        CHECK(both.rt.block_on(both.ours.readable()).has_value());
        CHECK(
            both.rt.block_on(pollux::poll_fn([&](pollux::context& cx) { return both.ours.poll_read_vectored(cx, in); }))
                .value() == 6);
        CHECK(first == "u");
        CHECK(second == "vwxyz---");
        CHECK(
            both.rt.block_on(pollux::poll_fn([&](pollux::context& cx) { return both.ours.poll_read_vectored(cx, {}); }))
                .value() == 0);
        // More places than one call takes.
        const std::array<const_span, 100> many = [] {
            std::array<const_span, 100> all;
            all.fill(const_span("x"));
            return all;
        }();
        CHECK(
            both.rt
                .block_on(pollux::poll_fn([&](pollux::context& cx) { return both.ours.poll_write_vectored(cx, many); }))
                .value() == 64);
    }
    TEST_CASE("tcp_stream: places without room before the others make no end and no nothing") {
        half_plain both;
        std::vector<const_span> out(100, const_span());
        out.push_back(const_span("ab"));
        CHECK(
            both.rt
                .block_on(pollux::poll_fn([&](pollux::context& cx) { return both.ours.poll_write_vectored(cx, out); }))
                .value() == 2);
        CHECK(both.theirs.read(8) == "ab");
        both.theirs.write("xyz");
        std::string to(8, '-');
        std::vector<span> in(100, span());
        in.push_back(span(to));
        CHECK(both.rt.block_on(both.ours.readable()).has_value());
        CHECK(
            both.rt.block_on(pollux::poll_fn([&](pollux::context& cx) { return both.ours.poll_read_vectored(cx, in); }))
                .value() == 3);
        CHECK(to == "xyz-----");
    }
    TEST_CASE("tcp_stream: what comes behind urgent data is read without another event") {
        half_plain both;
        const wake_counter woken;
        std::string first(8, '-');
        auto waiting = both.ours.read(first);
        CHECK(poll_in(both.rt, waiting, woken).is_pending());
        both.theirs.write("abc");
        REQUIRE(::send(both.theirs.descriptor(), "!", 1, MSG_OOB) == 1);
        both.theirs.write("def");
        std::string all(first, 0, both.rt.block_on(std::move(waiting)).value());
        while (all.size() < 6) all += both.rt.block_on(both.ours.read_some(8)).value();
        CHECK(all == "abcdef");
    }
    TEST_CASE("tcp_stream: knows both addresses, and is closed on exec and non-blocking whatever made it") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto ends = rt.block_on(connected("[::1]:0")).value();
        CHECK(ends.first.local_address().value() == ends.second.peer_address().value());
        CHECK(ends.first.peer_address().value() == ends.second.local_address().value());
        CHECK(ends.first.local_address()->is_v6());
        for (const int fd : {ends.first.native_handle(), ends.second.native_handle()}) {
            CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
            CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        }
    }
    // They threw no_runtime there.
    TEST_CASE("tcp_stream: what the end of its runtime leaves waiting fails outside of a runtime, too") {
        half_plain both;
        const wake_counter reader, waiter;
        std::string to(1, '-');
        auto reading = both.ours.read(to);
        auto waiting = both.ours.readable();
        CHECK(poll_in(both.rt, reading, reader).is_pending());
        CHECK(poll_in(both.rt, waiting, waiter).is_pending());
        CHECK_THROWS_AS(poll_once(reading), pollux::no_runtime);
        both.rt.shutdown(std::chrono::seconds(1));
        CHECK(reader.count() == 1);
        CHECK(waiter.count() == 1);
        CHECK(error_of(pollux::block_on(reading)) == std::errc::operation_canceled);
        CHECK(error_of(pollux::block_on(waiting)) == std::errc::operation_canceled);
    }
    TEST_CASE("tcp_stream: may be moved between its uses, and closes once") {
        half_plain both;
        const wake_counter woken;
        std::string to(1, '-');
        {
            auto fut = both.ours.read(to);
            CHECK(poll_in(both.rt, fut, woken).is_pending());
        }
        const auto before = descriptors_of_process();
        tcp_stream moved = std::move(both.ours);
        tcp_stream again(detail::source{});
        again = std::move(moved);
        both.theirs.write("x");
        CHECK(both.rt.block_on(again.read(to)).value() == 1);
        CHECK(descriptors_of_process() == before);
        again = tcp_stream(detail::source());
        CHECK(descriptors_of_process() == before - 1);
        CHECK(both.theirs.read_to_end().empty());
    }
    TEST_CASE(
        "tcp_stream: after its end a descriptor is used again, and what comes there wakes nobody who waited before") {
        half_plain both;
        const wake_counter reader, waiter;
        const int descriptor = both.ours.native_handle();
        {
            tcp_stream gone = std::move(both.ours);
            std::string to(1, '-');
            auto reading = gone.read(to);
            auto waiting = gone.readable();
            CHECK(poll_in(both.rt, reading, reader).is_pending());
            CHECK(poll_in(both.rt, waiting, waiter).is_pending());
        }
        CHECK(!reader.is_kept());
        CHECK(!waiter.is_kept());
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        if (ends[1] == descriptor) std::swap(ends[0], ends[1]);  // a lower one was free
        REQUIRE(ends[0] == descriptor);
        tcp_stream next{detail::source(ends[0])};
        const posix_socket peer(ends[1]);
        std::string to(1, '-');
        auto fut = next.read(to);
        const wake_counter woken;
        CHECK(poll_in(both.rt, fut, woken).is_pending());
        peer.write("x");
        drive_until(both.rt, [&] { return woken.count() == 1; });
        CHECK(poll_in(both.rt, fut, woken).value() == 1);
        CHECK(reader.count() == 0);
        CHECK(waiter.count() == 0);
    }
}
