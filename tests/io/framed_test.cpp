// SPDX-License-Identifier: MIT
#include "pollux/io/framed.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/io/bytes_codec.hpp"
#include "pollux/io/duplex.hpp"
#include "pollux/io/errc.hpp"
#include "pollux/io/length_codec.hpp"
#include "pollux/io/lines_codec.hpp"
#include "pollux/sink/flush.hpp"
#include "pollux/sink/send.hpp"
#include "pollux/sink/split.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/limited_poll.hpp"
#include "support/scripted_bytes.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::test;
using pollux::block_on;
using pollux::next;
using pollux::io::bytes_codec;
using pollux::io::errc;
using pollux::io::framed;
using pollux::io::lines_codec;
using pollux::testing::assert_pending;
using pollux::testing::poll_once;

static_assert(pollux::io::codec<lines_codec> && pollux::io::codec<bytes_codec> &&
              pollux::io::codec<pollux::io::length_codec>);

// Pairs of bytes; an X in one is an error behind which it goes on.
struct pairs_codec {
    static constexpr bool goes_on_after_error = true;

    pollux::io::decoded decode(pollux::io::byte_buffer& in) {
        if (in.size() < 2) return std::nullopt;
        std::string pair = in.take(2);
        if (pair.find('X') != std::string::npos)
            return std::unexpected(std::make_error_code(std::errc::illegal_byte_sequence));
        return pair;
    }
    pollux::io::decoded decode_end(pollux::io::byte_buffer& in) {
        if (in.empty()) return std::nullopt;
        return in.take(in.size());
    }
    std::expected<void, std::error_code> encode(std::string item, pollux::io::byte_buffer& out) {
        if (item.size() != 2) return std::unexpected(std::make_error_code(std::errc::invalid_argument));
        out.append(item);
        return {};
    }
};

}  // namespace

TEST_SUITE("io/framed") {
    TEST_CASE("framed: is a stream and a sink of strings; of a half only that half") {
        auto [a, b] = pollux::io::duplex(64);
        auto [reader, writer] = std::move(b).split();
        auto both = framed(std::move(a), lines_codec{});
        auto in = framed(std::move(reader), lines_codec{});
        auto out = framed(std::move(writer), lines_codec{});
        static_assert(pollux::stream<decltype(both)> && pollux::sink<decltype(both), std::string>);
        static_assert(pollux::stream<decltype(in)> && !pollux::sink<decltype(in), std::string>);
        static_assert(!pollux::stream<decltype(out)> && pollux::sink<decltype(out), std::string>);
        static_assert(std::is_same_v<decltype(both)::error_type, std::error_code>);
        CHECK(block_on(pollux::send(both, "hello")).has_value());
        CHECK(block_on(next(in))->value() == "hello");
        CHECK(block_on(pollux::send(out, "world")).has_value());
        CHECK(block_on(next(both))->value() == "world");
        CHECK(block_on(pollux::close(out)).has_value());
        CHECK(!block_on(next(both)).has_value());
    }
    TEST_CASE("framed: its halves by pollux::split go to two tasks") {
        auto [a, b] = pollux::io::duplex(64);
        auto [sink, stream] = pollux::split(std::move(a).framed(lines_codec{}));
        CHECK(block_on(pollux::send(sink, "one")).has_value());
        CHECK(block_on(b.read_some(9)).value() == "one\n");
        CHECK(block_on(b.write_all("two\n")).has_value());
        CHECK(block_on(next(stream))->value() == "two");
    }
    TEST_CASE("framed: what is sent is written by the flush, in one write, and closing shuts down") {
        const auto script = scripted_bytes::make("");
        auto out = framed(stream_of(script), lines_codec{});
        const wake_counter woken;
        const auto waker = woken.waker();
        pollux::context cx(waker);
        for (const char* const line : {"a", "b", "c"}) {
            CHECK(out.poll_ready(cx).has_value());
            CHECK(out.start_send(line).has_value());
        }
        CHECK(script->write_polls == 0);
        CHECK(out.poll_flush(cx).has_value());
        CHECK(script->write_polls == 1);
        CHECK(script->output == "a\nb\nc\n");
        CHECK(script->flushed);
        CHECK(script->shutdowns == 0);
        CHECK(block_on(pollux::close(out)).has_value());
        CHECK(script->shutdowns == 1);
    }
    TEST_CASE("framed: closing writes what was sent first, and goes on where it was pending") {
        const auto script = scripted_bytes::make("", {}, {up_to(1), waits()});
        script->flushes = {waits()};
        auto out = framed(stream_of(script), lines_codec{});
        const wake_counter woken;
        const auto waker = woken.waker();
        pollux::context cx(waker);
        CHECK(out.start_send("ab").has_value());
        CHECK(out.poll_close(cx).is_pending());
        CHECK(script->output == "a");
        CHECK(out.poll_close(cx).is_pending());
        CHECK(script->output == "ab\n");
        CHECK(script->shutdowns == 0);
        CHECK(out.poll_close(cx).has_value());
        CHECK(script->shutdowns == 1);
    }
    TEST_CASE("framed: beyond 8 KiB the next item waits for the byte stream, and writing charges") {
        const auto script = scripted_bytes::make("", {}, {waits()});
        auto out = framed(stream_of(script), lines_codec{});
        const wake_counter woken;
        const auto ready_within = [&](std::int32_t units) {
            return with_budget(units, woken.waker(), [&](pollux::context& cx) { return out.poll_ready(cx); });
        };
        CHECK(ready_within(0).has_value());
        CHECK(out.start_send(std::string(8190, 'x')).has_value());
        CHECK(ready_within(0).has_value());
        CHECK(out.start_send("").has_value());
        CHECK(ready_within(0).is_pending());
        CHECK(script->write_polls == 1);
        CHECK(woken.count() == 1);
        CHECK(out.start_send(std::string(99, 'y')).has_value());
        script->writes = {5, up_to(1)};
        CHECK(ready_within(2).is_pending());
        CHECK(script->output.size() == 3);
        CHECK(woken.count() == 2);
        CHECK(ready_within(100).has_value());
        CHECK(block_on(pollux::flush(out)).has_value());
        CHECK(script->output == std::string(8190, 'x').append("\n\n").append(99, 'y').append("\n"));
    }
    TEST_CASE("framed: errors of the byte stream and of the codec come out of the sink") {
        const auto script = scripted_bytes::make("", {}, {fails(std::errc::broken_pipe), up_to(0)});
        auto out = framed(stream_of(script), pairs_codec());
        CHECK(block_on(pollux::send(out, "abc")).error() == std::errc::invalid_argument);
        CHECK(block_on(pollux::send(out, "ab")).error() == std::errc::broken_pipe);
        CHECK(block_on(pollux::flush(out)).error() == errc::write_zero);
        CHECK(block_on(pollux::flush(out)).has_value());
        CHECK(script->output == "ab");
    }
    TEST_CASE("framed: a codec of the user's own; errors end the stream only if it says so") {
        auto in = framed(stream_of(scripted_bytes::make("abXcdde", {up_to(1), waits(), up_to(4)})), pairs_codec());
        CHECK(block_on(next(in))->value() == "ab");
        CHECK(block_on(next(in))->error() == std::errc::illegal_byte_sequence);
        CHECK(block_on(next(in))->value() == "dd");
        CHECK(block_on(next(in))->value() == "e");
        CHECK(!block_on(next(in)).has_value());
    }
    TEST_CASE("framed: a dropped next loses nothing, at every poll") {
        const std::string bytes = "one\ntwo\nthree\n";
        for (int kept = 0; kept != 8; ++kept) {
            CAPTURE(kept);
            auto in = framed(
                stream_of(scripted_bytes::make(bytes, {up_to(2), waits(), up_to(3), waits(), up_to(1), waits()})),
                lines_codec{});
            std::string got;
            for (int poll = 0; poll != 40; ++poll) {
                auto fut = next(in);
                for (int more = 0; more <= kept; ++more) {
                    auto answer = poll_once(fut);
                    if (answer.is_pending()) continue;
                    if (answer.value().has_value()) got += **answer.value() + "\n";
                    break;
                }
            }
            CHECK(got == bytes);
        }
    }
    TEST_CASE("bytes_codec: gives all bytes as they come and writes them as they are") {
        std::mt19937 random(6);
        std::string all;
        while (all.size() != 50'000) all += static_cast<char>(random());
        const auto script = scripted_bytes::make(all, random_script(random, 200, 500));
        auto both = framed(stream_of(script), bytes_codec());
        std::string got;
        while (auto item = block_on(next(both))) {
            CHECK(!item->value().empty());
            got += **item;
        }
        CHECK(got == all);
        CHECK(block_on(pollux::send(both, all)).has_value());
        CHECK(script->output == all);
    }
}
