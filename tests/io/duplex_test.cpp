// SPDX-License-Identifier: MIT
#include "pollux/io/duplex.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/join.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/spent_budget.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::test;
using pollux::block_on;
using pollux::io::duplex;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

static_assert(pollux::io::byte_stream<pollux::io::duplex_stream>);
static_assert(pollux::io::byte_reader<pollux::io::duplex_reader>);
static_assert(!pollux::io::byte_writer<pollux::io::duplex_reader>);
static_assert(pollux::io::byte_writer<pollux::io::duplex_writer>);
static_assert(!pollux::io::byte_reader<pollux::io::duplex_writer>);
static_assert(!std::is_copy_constructible_v<pollux::io::duplex_stream>);
static_assert(std::is_nothrow_move_constructible_v<pollux::io::duplex_stream>);
static_assert(std::is_nothrow_move_assignable_v<pollux::io::duplex_stream>);
static_assert(sizeof(pollux::io::duplex_stream) == 2 * sizeof(void*), "the bases are empty");

constexpr auto would_block = std::errc::operation_would_block;

}  // namespace

TEST_SUITE("io/duplex") {
    TEST_CASE("duplex: each stream reads what is written to the other") {
        auto [a, b] = duplex(16);
        CHECK(block_on(a.write_all("ping")).has_value());
        CHECK(block_on(b.write_all("pong!")).has_value());
        CHECK(block_on(b.read_some(100)).value() == "ping");
        CHECK(block_on(a.read_some(2)).value() == "po");
        CHECK(block_on(a.read_some(100)).value() == "ng!");
    }
    TEST_CASE("duplex: a capacity of 0 is refused") {
        CHECK_THROWS_AS(static_cast<void>(duplex(0)), std::invalid_argument);
    }
    TEST_CASE("duplex: holds exactly its capacity; a write takes what there is room for") {
        auto [a, b] = duplex(5);
        auto first = a.write("abc");
        CHECK(assert_ready(poll_once(first)).value() == 3);
        auto second = a.write("defg");
        CHECK(assert_ready(poll_once(second)).value() == 2);
        auto full = a.write("x");
        assert_pending(poll_once(full));
        CHECK(block_on(b.read_some(100)).value() == "abcde");
        CHECK(assert_ready(poll_once(full)).value() == 1);
    }
    TEST_CASE(
        "duplex: a reader that waits is woken by a write, with the waker of its latest poll, and had touched nothing") {
        auto [a, b] = duplex(4);
        std::string to(4, '-');
        auto fut = b.read(to);
        const wake_counter first;
        const wake_counter second;
        CHECK(poll_with(fut, first).is_pending());
        CHECK(poll_with(fut, second).is_pending());
        CHECK(poll_with(fut, second).is_pending());
        CHECK(!first.is_kept());
        CHECK(to == "----");
        CHECK(a.try_write("ab").value() == 2);
        CHECK(first.count() == 0);
        CHECK(second.count() == 1);
        CHECK(!second.is_kept());
        CHECK(poll_with(fut, second).value() == 2);
        CHECK(to == "ab--");
        CHECK(a.try_write("c").value() == 1);
        CHECK(second.count() == 1);
    }
    TEST_CASE(
        "duplex: a writer that waits is woken by a read; reader and writer of one stream do not wake each other") {
        auto [a, b] = duplex(2);
        CHECK(a.try_write("ab").value() == 2);
        auto writing = a.write("c");
        std::string to(1, '-');
        auto reading = a.read(to);
        const wake_counter writer;
        const wake_counter reader;
        CHECK(poll_with(writing, writer).is_pending());
        CHECK(poll_with(reading, reader).is_pending());
        std::string got(1, '-');
        CHECK(b.try_read(got).value() == 1);
        CHECK(writer.count() == 1);
        CHECK(reader.count() == 0);
        CHECK(b.try_write("x").value() == 1);
        CHECK(writer.count() == 1);
        CHECK(reader.count() == 1);
        CHECK(poll_with(writing, writer).value() == 1);
        CHECK(poll_with(reading, reader).value() == 1);
        CHECK(to == "x");
    }
    TEST_CASE("duplex: an empty read or write is 0 while the direction is open, at once") {
        auto [a, b] = duplex(1);
        CHECK(a.try_write("x").value() == 1);
        auto write = a.write("");
        auto read = a.read(pollux::io::span());
        CHECK(assert_ready(poll_once(write)).value() == 0);
        CHECK(assert_ready(poll_once(read)).value() == 0);
        CHECK(b.try_read(pollux::io::span()).value() == 0);
        { const auto dropped = std::move(b); }
        auto closed = a.write("");
        CHECK(assert_ready(poll_once(closed)).error() == std::errc::broken_pipe);
        auto ended = a.read(pollux::io::span());
        CHECK(assert_ready(poll_once(ended)).value() == 0);
    }
    TEST_CASE("duplex: once the writer has gone the reader finds what is left, then the end, again and again") {
        auto [a, b] = duplex(8);
        CHECK(a.try_write("rest").value() == 4);
        { const auto dropped = std::move(a); }
        CHECK(block_on(b.read_some(2)).value() == "re");
        CHECK(block_on(b.read_to_end()).value() == "st");
        CHECK(block_on(b.read_some(2)).value().empty());
        std::string to(2, '-');
        CHECK(b.try_read(to).value() == 0);
    }
    TEST_CASE("duplex: once the reader has gone, writes fail with broken_pipe, also one that waits; flushing goes on") {
        auto [a, b] = duplex(1);
        CHECK(a.try_write("x").value() == 1);
        auto fut = a.write("y");
        const wake_counter woken;
        CHECK(poll_with(fut, woken).is_pending());
        { const auto dropped = std::move(b); }
        CHECK(woken.count() == 1);
        CHECK(!woken.is_kept());
        CHECK(poll_with(fut, woken).error() == std::errc::broken_pipe);
        CHECK(a.try_write("y").error() == std::errc::broken_pipe);
        CHECK(block_on(a.write_all("y")).error() == std::errc::broken_pipe);
        CHECK(block_on(a.flush()).has_value());
    }
    TEST_CASE("duplex: shutdown is the end for the other side, which can still answer") {
        auto [a, b] = duplex(8);
        auto reading = b.read_to_end();
        const wake_counter woken;
        CHECK(poll_with(reading, woken).is_pending());
        CHECK(block_on(a.write_all("bye")).has_value());
        CHECK(poll_with(reading, woken).is_pending());
        CHECK(block_on(a.shutdown()).has_value());
        CHECK(woken.count() == 2);
        CHECK(poll_with(reading, woken).value() == "bye");
        CHECK(block_on(a.write("x")).error() == std::errc::broken_pipe);
        CHECK(block_on(a.shutdown()).has_value());
        CHECK(block_on(b.write_all("ok")).has_value());
        CHECK(block_on(a.read_some(9)).value() == "ok");
    }
    TEST_CASE("duplex: try_read and try_write never wait") {
        auto [a, b] = duplex(2);
        std::string to(3, '-');
        CHECK(b.try_read(to).error() == would_block);
        CHECK(a.try_write("abc").value() == 2);
        CHECK(a.try_write("c").error() == would_block);
        CHECK(a.try_write("").value() == 0);
        CHECK(b.try_read(to).value() == 2);
        CHECK(to == "ab-");
        CHECK(b.try_read(to).error() == would_block);
    }
    TEST_CASE(
        "duplex: a read or write that is dropped while it is pending has done nothing and keeps no waker alive for "
        "ever") {
        const wake_counter woken;
        {
            auto [a, b] = duplex(1);
            {
                std::string to(1, '-');
                auto dropped = b.read(to);
                CHECK(poll_with(dropped, woken).is_pending());
            }
            CHECK(a.try_write("x").value() == 1);
            CHECK(block_on(b.read_some(9)).value() == "x");
            {
                auto reading = b.read_to_end();
                CHECK(poll_with(reading, woken).is_pending());
            }
            CHECK(woken.is_kept());
            { const auto dropped = std::move(b); }
            CHECK(!woken.is_kept());
            CHECK(a.try_write("x").error() == std::errc::broken_pipe);
        }
    }
    TEST_CASE("duplex: keeps its result while the budget is spent") {
        auto [a, b] = duplex(2);
        const wake_counter woken;
        auto writing = a.write("ab");
        CHECK(poll_without_budget(writing, woken).is_pending());
        CHECK(woken.count() == 1);
        CHECK(poll_once(writing).value() == 2);
        std::string to(2, '-');
        auto reading = b.read(to);
        CHECK(poll_without_budget(reading, woken).is_pending());
        CHECK(woken.count() == 2);
        CHECK(to == "--");
        CHECK(poll_once(reading).value() == 2);
        CHECK(to == "ab");
    }
    TEST_CASE("duplex: allocates when it is made, and not when it is used or split") {
        const allocation_counter making;
        auto ends = duplex(64);
        CHECK(making.count() == 4);
        const allocation_counter using_it;
        auto [reader, writer] = std::move(ends.first).split();
        std::string to(5, '-');
        auto writing = writer.write_all("abcde");
        CHECK(poll_once(writing).has_value());
        auto reading = ends.second.read_exact(to);
        CHECK(poll_once(reading).has_value());
        CHECK(using_it.count() == 0);
        CHECK(to == "abcde");
    }
    TEST_CASE("duplex: a half that is dropped closes its direction only") {
        auto [a, b] = duplex(8);
        auto [reader, writer] = std::move(a).split();
        static_assert(std::is_same_v<decltype(reader), pollux::io::duplex_reader>);
        static_assert(std::is_same_v<decltype(writer), pollux::io::duplex_writer>);
        CHECK(b.try_write("abc").value() == 3);
        { const auto dropped = std::move(writer); }
        CHECK(block_on(b.read_to_end()).value().empty());
        CHECK(block_on(reader.read_some(9)).value() == "abc");
        { const auto dropped = std::move(reader); }
        CHECK(b.try_write("x").error() == std::errc::broken_pipe);
    }
    TEST_CASE("duplex: moves as a value; what is assigned to closes first") {
        auto [a, b] = duplex(8);
        auto [c, d] = duplex(8);
        a = std::move(c);
        CHECK(b.try_write("x").error() == std::errc::broken_pipe);
        CHECK(d.try_write("y").value() == 1);
        CHECK(block_on(a.read_some(9)).value() == "y");
    }
    TEST_CASE("duplex: is what a queue of its capacity is, under random reads and writes") {
        std::mt19937 random(5);
        for (const std::size_t capacity : {1u, 2u, 3u, 7u, 64u}) {
            CAPTURE(capacity);
            auto [a, b] = duplex(capacity);
            std::string plain;
            for (int step = 0; step != 3000; ++step) {
                CAPTURE(step);
                std::string bytes(random() % (capacity + 3), '\0');
                if (random() % 2 == 0) {
                    for (char& byte : bytes) byte = static_cast<char>(random());
                    const auto written = a.try_write(bytes);
                    const std::size_t expected = std::min(bytes.size(), capacity - plain.size());
                    if (expected == 0 && !bytes.empty()) {
                        REQUIRE(written.error() == would_block);
                    } else {
                        REQUIRE(written.value() == expected);
                    }
                    plain += bytes.substr(0, expected);
                } else {
                    const auto read = b.try_read(bytes);
                    const std::size_t expected = std::min(bytes.size(), plain.size());
                    if (expected == 0 && !bytes.empty()) {
                        REQUIRE(read.error() == would_block);
                    } else {
                        REQUIRE(read.value() == expected);
                        REQUIRE(bytes.substr(0, expected) == plain.substr(0, expected));
                    }
                    plain.erase(0, expected);
                }
            }
        }
    }
    TEST_CASE("duplex: an echo of more than it holds, between coroutines") {
        auto [a, b] = duplex(7);
        std::string sent;
        for (int i = 0; i != 5000; ++i) sent += static_cast<char>(i);
        const auto client = [](pollux::io::duplex_stream s, const std::string& text) -> pollux::task<std::string> {
            auto [reader, writer] = std::move(s).split();
            const auto write = [](pollux::io::duplex_writer w, const std::string& all) -> pollux::task<> {
                const auto done = co_await w.write_all(all);
                CHECK(done.has_value());
            };
            auto writing = write(std::move(writer), text);
            auto both = pollux::join(std::move(writing), reader.read_to_end());
            auto done = co_await both;
            co_return std::get<1>(std::move(done)).value();
        };
        const auto server = [](pollux::io::duplex_stream s) -> pollux::task<int> {
            int turns = 0;
            for (;; ++turns) {
                const auto bytes = co_await s.read_some(5);
                if (!bytes.has_value() || bytes->empty()) break;
                const auto done = co_await s.write_all(*bytes);
                if (!done.has_value()) break;
            }
            co_return turns;
        };
        auto ends = pollux::join(client(std::move(a), sent), server(std::move(b)));
        const auto results = block_on(std::move(ends));
        CHECK(std::get<0>(results) == sent);
        CHECK(std::get<1>(results) >= 1000);
    }
    TEST_CASE(
        "duplex: a session dropped at every poll closes its side, and the other has got a front of what it sent") {
        const auto echo = [](pollux::io::duplex_stream s) -> pollux::task<bool> {
            auto [reader, writer] = std::move(s).split();
            auto lines = std::move(reader).buffered();
            for (;;) {
                const auto line = co_await lines.read_line();
                if (!line.has_value() || !line->has_value()) break;
                const auto done = co_await writer.write_all(**line);
                if (!done.has_value()) break;
                const auto ended = co_await writer.write_all("\n");
                if (!ended.has_value()) break;
            }
            co_return true;
        };
        const std::string sent = "one\ntwo and three\n\nfour\nfive, six, seven\n";
        bool is_all_seen = false;
        for (int polls = 0; polls != 40; ++polls) {
            CAPTURE(polls);
            auto [a, b] = duplex(3);
            std::string got;
            std::size_t written = 0;
            {
                auto fut = echo(std::move(b));
                for (int i = 0; i != polls; ++i) {
                    written += a.try_write(std::string_view(sent).substr(written)).value_or(0);
                    if (written == sent.size()) static_cast<void>(block_on(a.shutdown()));
                    if (poll_once(fut).is_ready()) break;
                    std::string some(2, '-');
                    if (const auto n = a.try_read(some); n.has_value()) got += some.substr(0, *n);
                }
            }
            got += block_on(a.read_to_end()).value();
            CHECK(got == sent.substr(0, got.size()));
            CHECK(got.size() <= written);
            CHECK(a.try_write("x").error() == std::errc::broken_pipe);
            is_all_seen = is_all_seen || got == sent;
        }
        CHECK(is_all_seen);
    }
}
