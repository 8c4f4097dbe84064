// SPDX-License-Identifier: MIT
#include "pollux/io/buffered.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/duplex.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/limited_poll.hpp"
#include "support/scripted_bytes.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::test;
using pollux::block_on;
using pollux::io::buffered;
using pollux::testing::assert_pending;
using pollux::testing::poll_once;

using line = std::optional<std::string>;

template <class S>
concept has_try_read = requires(S& s, pollux::io::span to) { s.try_read(to); };

}  // namespace

TEST_SUITE("io/buffered") {
    TEST_CASE("buffered: small reads share one read of the byte stream") {
        const auto script = scripted_bytes::make("abcdefgh");
        auto s = buffered(stream_of(script));
        static_assert(pollux::io::byte_stream<decltype(s)>);
        CHECK(script->read_polls == 0);
        CHECK(block_on(s.read_some(3)).value() == "abc");
        CHECK(block_on(s.read_some(3)).value() == "def");
        CHECK(script->read_polls == 1);
        CHECK(block_on(s.read_some(3)).value() == "gh");
        CHECK(block_on(s.read_some(3)).value().empty());
        CHECK(block_on(s.read(pollux::io::span())).value() == 0);
    }
    TEST_CASE("buffered: a large read with an empty buffer goes past it") {
        const auto script = scripted_bytes::make(std::string(20'000, 'x'));
        auto s = buffered(stream_of(script));
        std::string to(15'000, '-');
        CHECK(block_on(s.read(to)).value() == 15'000);
        CHECK(block_on(s.read_some(1)).value() == "x");
        CHECK(block_on(s.read(to)).value() == 4999);
    }
    TEST_CASE("buffered: writes, flushes and shutdowns go straight through") {
        const auto script = scripted_bytes::make("");
        auto s = buffered(stream_of(script));
        CHECK(block_on(s.write_all("abc")).has_value());
        CHECK(script->output == "abc");
        CHECK(!script->flushed);
        CHECK(block_on(s.flush()).has_value());
        CHECK(script->flushed);
        CHECK(block_on(s.shutdown()).has_value());
        CHECK(script->shutdowns == 1);
    }
    TEST_CASE("read_until: gives the bytes with the delimiter, what is left at the end, and then nothing") {
        auto s = buffered(stream_of(scripted_bytes::make("a;bc;;def", {up_to(3), waits(), up_to(2)})));
        CHECK(block_on(s.read_until(';')).value() == "a;");
        CHECK(block_on(s.read_until(';')).value() == "bc;");
        CHECK(block_on(s.read_until(';')).value() == ";");
        CHECK(block_on(s.read_until(';')).value() == "def");
        CHECK(block_on(s.read_until(';')).value().empty());
    }
    TEST_CASE("read_until: a dropped one loses nothing; the next may look for another byte") {
        auto s = buffered(stream_of(scripted_bytes::make("a,b;c,d", {up_to(2), waits(), up_to(3), waits()})));
        {
            auto dropped = s.read_until(';');
            assert_pending(poll_once(dropped));
        }
        CHECK(block_on(s.read_until(',')).value() == "a,");
        CHECK(block_on(s.read_some(1)).value() == "b");
        CHECK(block_on(s.read_until(';')).value() == ";");
        CHECK(block_on(s.read_until(';')).value() == "c,d");
    }
    TEST_CASE("read_until, read_line: are free functions, too") {
        auto s = buffered(stream_of(scripted_bytes::make("a;b\r\nc")));
        CHECK(block_on(pollux::io::read_until(s, ';')).value() == "a;");
        CHECK(block_on(pollux::io::read_line(s)).value() == line("b"));
        CHECK(block_on(pollux::io::read_line(s)).value() == line("c"));
        CHECK(block_on(pollux::io::read_line(s)).value() == std::nullopt);
    }
    TEST_CASE("buffered: try_read gives what was read ahead, then what the source has; try_write is the source's") {
        auto [ours, theirs] = pollux::io::duplex(8);
        auto s = std::move(ours).buffered();
        std::string to(3, '-');
        CHECK(s.try_read(to).error() == std::errc::operation_would_block);
        REQUIRE(theirs.try_write("ab;cdefg").value() == 8);
        CHECK(block_on(s.read_until(';')).value() == "ab;");
        REQUIRE(theirs.try_write("hi").value() == 2);
        CHECK(s.try_read(pollux::io::span()).value() == 0);
        CHECK(s.try_read(to).value() == 3);
        CHECK(to == "cde");
        CHECK(s.try_read(to).value() == 2);
        CHECK(to.substr(0, 2) == "fg");
        CHECK(s.try_read(to).value() == 2);
        CHECK(to.substr(0, 2) == "hi");
        CHECK(s.try_read(to).error() == std::errc::operation_would_block);
        CHECK(s.try_write("123456789").value() == 8);
        CHECK(s.try_write("9").error() == std::errc::operation_would_block);
        std::string read(9, '-');
        CHECK(theirs.try_read(read).value() == 8);
        const auto plain = buffered(stream_of(scripted_bytes::make("")));
        static_assert(!has_try_read<std::remove_const_t<decltype(plain)>>);
        static_assert(has_try_read<decltype(s)>);
    }
    TEST_CASE("read_until: what try_read takes is not looked through again") {
        auto [ours, theirs] = pollux::io::duplex(16);
        auto s = std::move(ours).buffered();
        REQUIRE(theirs.try_write("abc").value() == 3);
        {
            auto dropped = s.read_until(';');
            assert_pending(poll_once(dropped));
        }
        std::string to(2, '-');
        CHECK(s.try_read(to).value() == 2);
        REQUIRE(theirs.try_write(";d").value() == 2);
        CHECK(block_on(s.read_until(';')).value() == "c;");
    }
    TEST_CASE("read_line: gives lines without their ends, and nullopt at the end") {
        auto s = buffered(stream_of(scripted_bytes::make("one\ntwo\r\n\n\r\nfive\r")));
        CHECK(block_on(s.read_line()).value() == line("one"));
        CHECK(block_on(s.read_line()).value() == line("two"));
        CHECK(block_on(s.read_line()).value() == line(""));
        CHECK(block_on(s.read_line()).value() == line(""));
        CHECK(block_on(s.read_line()).value() == line("five\r"));
        CHECK(block_on(s.read_line()).value() == std::nullopt);
        CHECK(block_on(s.read_line()).value() == std::nullopt);
    }
    TEST_CASE("read_line: errors come out and lose nothing; exceptions, too") {
        auto s = buffered(stream_of(
            scripted_bytes::make("one\n", {up_to(2), fails(std::errc::interrupted), throws_once(), up_to(9)})));
        CHECK(block_on(s.read_line()).error() == std::errc::interrupted);
        auto throwing = s.read_line();
        CHECK_THROWS_AS(static_cast<void>(poll_once(throwing)), std::runtime_error);
        CHECK(block_on(s.read_line()).value() == line("one"));
    }
    TEST_CASE("buffered: reads of every kind in random order and pieces give the bytes of the plain string") {
        std::mt19937 random(8);
        for (int round = 0; round != 300; ++round) {
            CAPTURE(round);
            std::string all;
            for (std::size_t n = random() % 4000; n != 0; --n) all += "ab;\n"[random() % 4];
            auto s = buffered(stream_of(scripted_bytes::make(all, random_script(random, 200, 50))));
            for (std::size_t at = 0; at != all.size();) {
                const std::size_t n = 1 + random() % 30;
                std::string got;
                switch (random() % 4) {
                    case 0: {
                        const std::size_t end = all.find(';', at);
                        got = block_on(s.read_until(';')).value();
                        REQUIRE(got == all.substr(at, end == std::string::npos ? end : end + 1 - at));
                        break;
                    }
                    case 1: {
                        const std::size_t end = all.find('\n', at);
                        got = block_on(s.read_line()).value().value();
                        REQUIRE(got == all.substr(at, end == std::string::npos ? end : end - at));
                        if (end != std::string::npos) ++at;
                        break;
                    }
                    case 2:
                        got = block_on(s.read_some(n)).value();
                        REQUIRE(!got.empty());
                        REQUIRE(got == all.substr(at, got.size()));
                        break;
                    default:
                        got.resize(std::min(n, all.size() - at));
                        REQUIRE(block_on(s.read_exact(got)).has_value());
                        REQUIRE(got == all.substr(at, got.size()));
                }
                at += got.size();
            }
            CHECK(block_on(s.read_to_end()).value().empty());
        }
    }
    TEST_CASE("read_until: looks at each byte once, and charges for each read without the delimiter") {
        // Looking at all of it each time would be 8 million million bytes, and no end of the test.
        std::string text(4'000'000, 'x');
        text += ';';
        const auto script = scripted_bytes::make(text);
        script->longest_read = 1;
        auto slow = buffered(stream_of(script));
        const wake_counter woken;
        auto fut = slow.read_until(';');
        CHECK(poll_within(fut, 10, woken.waker()).is_pending());
        CHECK(woken.count() == 1);
        CHECK(block_on(std::move(fut)).value() == text);
    }
    TEST_CASE("read_line: lines that stand in the buffer are charged for, too") {
        auto s = buffered(stream_of(scripted_bytes::make("a\nb\n")));
        CHECK(block_on(s.read_line()).value() == line("a"));
        const wake_counter woken;
        auto fut = s.read_line();
        CHECK(poll_within(fut, 0, woken.waker()).is_pending());
        CHECK(woken.count() == 1);
        CHECK(poll_within(fut, 1, woken.waker()).value() == line("b"));
    }
    TEST_CASE("buffered: has the members of a byte stream; what was read ahead goes along") {
        auto [a, b] = pollux::io::duplex(64);
        CHECK(a.try_write("one\ntwo\nthree\n").has_value());
        auto s = std::move(b).buffered();
        CHECK(block_on(s.read_line()).value() == line("one"));
        auto [reader, writer] = std::move(s).split();
        auto lines = std::move(reader).lines();
        CHECK(block_on(pollux::next(lines))->value() == "two");
        CHECK(block_on(pollux::next(lines))->value() == "three");
        CHECK(block_on(writer.write_all("x")).has_value());
        CHECK(block_on(a.read_some(9)).value() == "x");
    }
    TEST_CASE("buffered: of a half that can only be read") {
        auto [a, b] = pollux::io::duplex(64);
        auto [reader, writer] = std::move(b).split();
        auto s = std::move(reader).buffered();
        static_assert(pollux::io::byte_reader<decltype(s)> && !pollux::io::byte_writer<decltype(s)>);
        CHECK(a.try_write("one\n").has_value());
        CHECK(block_on(s.read_line()).value() == line("one"));
    }
}
