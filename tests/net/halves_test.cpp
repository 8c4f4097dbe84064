// SPDX-License-Identifier: MIT
#include "pollux/net/halves.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "net/loopback.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/copy.hpp"
#include "pollux/io/split.hpp"
#include "pollux/net/tcp_stream.hpp"
#include "pollux/net/unix_stream.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "support/driver_options.hpp"
#include "support/process_state.hpp"
#include "support/workers.hpp"

namespace {

using namespace pollux::net;
using namespace pollux::test;
using pollux::current_thread_runtime;
using pollux::task;

using reader = read_half<tcp_stream>;
using writer = write_half<tcp_stream>;

static_assert(pollux::io::byte_reader<reader> && !pollux::io::byte_writer<reader>);
static_assert(pollux::io::byte_writer<writer> && !pollux::io::byte_reader<writer>);
static_assert(std::is_nothrow_move_constructible_v<writer> && std::is_nothrow_move_assignable_v<writer>);
static_assert(std::is_nothrow_move_constructible_v<reader> && std::is_nothrow_move_assignable_v<reader>);
static_assert(!std::is_copy_constructible_v<reader> && !std::is_copy_constructible_v<writer>);
static_assert(std::is_same_v<decltype(pollux::io::split(std::declval<tcp_stream>())), std::pair<reader, writer>>);
static_assert(std::is_same_v<decltype(std::declval<unix_stream>().split()),
                             std::pair<read_half<unix_stream>, write_half<unix_stream>>>);

task<> echo(tcp_stream stream) {
    auto halves = std::move(stream).split();
    static_cast<void>(co_await pollux::io::copy(halves.first, halves.second));
}

}  // namespace

TEST_SUITE("net/halves") {
    TEST_CASE("halves: two tasks read and write at the same time, without a lock between them") {
        pollux::runtime rt(workers(2));
        auto ends = rt.block_on(connected()).value();
        auto echoing = rt.spawn(echo(std::move(ends.second)));
        auto halves = std::move(ends.first).split();
        const std::string much(1 << 20, 'x');
        auto writing = rt.spawn([](writer out, std::string bytes) -> task<bool> {
            const auto written = co_await out.write_all(bytes);
            co_return written.has_value();  // and drops its half: the end for the other side
        }(std::move(halves.second), much));
        CHECK(rt.block_on(halves.first.read_to_end()).value() == much);
        CHECK(rt.block_on(std::move(writing)));
        rt.block_on(std::move(echoing));
    }
    TEST_CASE("halves: dropping the written half lets the peer find the end, and reading goes on") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto ends = rt.block_on(connected()).value();
        const auto before = descriptors_of_process();
        auto halves = std::move(ends.first).split();
        { const auto dropped = std::move(halves.second); }
        CHECK(rt.block_on(ends.second.read_some(1)).value().empty());
        CHECK(ends.second.try_write("late").value() == 4);
        CHECK(rt.block_on(halves.first.read_some(8)).value() == "late");
        CHECK(descriptors_of_process() == before);
        { const auto dropped = std::move(halves.first); }
        CHECK(descriptors_of_process() == before - 1);
    }
    TEST_CASE("halves: dropping the read half leaves the other as it is") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto ends = rt.block_on(connected()).value();
        auto halves = std::move(ends.first).split();
        { const auto dropped = std::move(halves.first); }
        CHECK(rt.block_on(halves.second.write_all("still")).has_value());
        CHECK(rt.block_on(ends.second.read_some(8)).value() == "still");
    }
    TEST_CASE("reunite: gives the stream again, and nothing is lost or shut down") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto ends = rt.block_on(connected()).value();
        const auto own = ends.first.local_address();
        auto halves = std::move(ends.first).split();
        CHECK(halves.first.local_address() == own);
        CHECK(halves.second.peer_address() == ends.second.local_address());
        CHECK(ends.second.try_write("before").value() == 6);
        tcp_stream whole = reunite(std::move(halves.first), std::move(halves.second));
        CHECK(whole.local_address() == own);
        CHECK(rt.block_on(whole.read_some(8)).value() == "before");
        CHECK(rt.block_on(whole.write_all("after")).has_value());
        CHECK(rt.block_on(ends.second.read_some(8)).value() == "after");
    }
    TEST_CASE("reunite: halves of two streams are refused, and stay as they are") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto ends = rt.block_on(connected()).value();
        auto one = std::move(ends.first).split();
        auto other = std::move(ends.second).split();
        CHECK_THROWS_AS(static_cast<void>(reunite(std::move(one.first), std::move(other.second))),
                        std::invalid_argument);
        CHECK(rt.block_on(other.second.write_all("x")).has_value());
        CHECK(rt.block_on(one.first.read_some(1)).value() == "x");
    }
    TEST_CASE("halves: try, peek and readiness as of the whole") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto ends = rt.block_on(connected()).value();
        auto halves = std::move(ends.first).split();
        std::string to(4, '-');
        CHECK(halves.first.try_read(to).error() == std::errc::operation_would_block);
        CHECK(rt.block_on(halves.second.writable()).has_value());
        CHECK(halves.second.try_write("ab").value() == 2);
        CHECK(rt.block_on(ends.second.read_some(8)).value() == "ab");
        CHECK(ends.second.try_write("cd").value() == 2);
        CHECK(rt.block_on(halves.first.readable()).has_value());
        CHECK(rt.block_on(halves.first.peek(to)).value() == 2);
        CHECK(halves.first.try_read(to).value() == 2);
        CHECK(halves.second.shutdown_write().has_value());
        CHECK(rt.block_on(ends.second.read_some(8)).value().empty());
        CHECK(rt.block_on(halves.second.write("lost")).error() == std::errc::broken_pipe);
    }
}
