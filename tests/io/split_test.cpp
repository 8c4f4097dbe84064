// SPDX-License-Identifier: MIT
#include "pollux/io/split.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <functional>
#include <ostream>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/block_on.hpp"
#include "pollux/core/context.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/duplex.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/scripted_bytes.hpp"
#include "support/together.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::test;
using pollux::block_on;
using pollux::testing::poll_once;

// `during_read` runs inside of poll_read. It has no halves of its own.
class watched {
public:
    watched(scripted_bytes::stream_type s, std::function<void()> during_read)
        : s_(std::move(s)), during_read_(std::move(during_read)) {}

    pollux::polled<std::size_t, std::error_code> poll_read(pollux::context& cx, pollux::io::span to) {
        if (during_read_) during_read_();
        return s_.poll_read(cx, to);
    }
    pollux::polled<std::size_t, std::error_code> poll_write(pollux::context& cx, pollux::io::const_span bytes) {
        return s_.poll_write(cx, bytes);
    }
    pollux::polled<void, std::error_code> poll_flush(pollux::context& cx) { return s_.poll_flush(cx); }
    pollux::polled<void, std::error_code> poll_shutdown(pollux::context& cx) { return s_.poll_shutdown(cx); }

private:
    scripted_bytes::stream_type s_;
    std::function<void()> during_read_;
};

// Has the members, and no halves of its own.
class plain_duplex : public pollux::io::detail::byte_stream_members<plain_duplex> {
public:
    explicit plain_duplex(pollux::io::duplex_stream s) : s_(std::move(s)) {}

    pollux::polled<std::size_t, std::error_code> poll_read(pollux::context& cx, pollux::io::span to) {
        return s_.poll_read(cx, to);
    }
    pollux::polled<std::size_t, std::error_code> poll_write(pollux::context& cx, pollux::io::const_span bytes) {
        return s_.poll_write(cx, bytes);
    }
    pollux::polled<void, std::error_code> poll_flush(pollux::context& cx) { return s_.poll_flush(cx); }
    pollux::polled<void, std::error_code> poll_shutdown(pollux::context& cx) { return s_.poll_shutdown(cx); }

private:
    pollux::io::duplex_stream s_;
};

}  // namespace

TEST_SUITE("io/split") {
    TEST_CASE("split: gives a half that is read and one that is written, with one allocation") {
        const auto script = scripted_bytes::make("abc");
        auto s = stream_of(script);
        const allocation_counter allocations;
        auto [reader, writer] = pollux::io::split(std::move(s));
        CHECK(allocations.count() == 1);
        static_assert(pollux::io::byte_reader<decltype(reader)> && !pollux::io::byte_writer<decltype(reader)>);
        static_assert(pollux::io::byte_writer<decltype(writer)> && !pollux::io::byte_reader<decltype(writer)>);
        CHECK(block_on(reader.read_to_end()).value() == "abc");
        CHECK(block_on(writer.write_all("def")).has_value());
        CHECK(script->output == "def");
        CHECK(block_on(writer.flush()).has_value());
        CHECK(script->flushed);
        CHECK(block_on(writer.shutdown()).has_value());
        CHECK(script->shutdowns == 1);
    }
    TEST_CASE("split: the stream is destroyed with the later half; halves move at any time") {
        const auto script = scripted_bytes::make("abc", {waits(), fails(std::errc::io_error)});
        auto halves = pollux::io::split(stream_of(script));
        auto writer = std::move(halves.second);
        {
            auto reader = std::move(halves.first);
            CHECK(block_on(reader.read_some(3)).error() == std::errc::io_error);
        }
        CHECK(script->is_alive);
        CHECK(block_on(writer.write_all("x")).has_value());
        { const auto dropped = std::move(writer); }
        CHECK(!script->is_alive);
    }
    TEST_CASE("split: while one half is polled the other is pending, and is woken") {
        const auto script = scripted_bytes::make("abc");
        const wake_counter woken;
        std::function<void()> during_read;
        auto [reader, writer] = pollux::io::split(watched(stream_of(script), [&] { during_read(); }));
        auto& target = writer;
        bool was_pending = false;
        auto writing = target.write("x");
        during_read = [&] {
            was_pending = poll_with(writing, woken).is_pending();
            CHECK(woken.count() == 0);
        };
        CHECK(block_on(reader.read_some(9)).value() == "abc");
        CHECK(was_pending);
        CHECK(woken.count() == 1);
        CHECK(poll_with(writing, woken).value() == 1);
        CHECK(script->output == "x");
    }
    TEST_CASE("split: is the one for byte streams where that for streams and sinks is visible, too") {
        using namespace pollux;
        using namespace pollux::io;
        auto halves = split(stream_of(scripted_bytes::make("abc")));
        CHECK(block_on(halves.first.read_some(9)).value() == "abc");
    }
    TEST_CASE("split: the halves in two threads each do their part") {
        for (int round = 0; round != 20; ++round) {
            auto ends = pollux::io::duplex(3);
            auto left = plain_duplex(std::move(ends.first)).split();
            auto right = plain_duplex(std::move(ends.second)).split();
            static_assert(!std::is_same_v<decltype(left.first), pollux::io::duplex_reader>);
            const std::string text(2000, 'z');
            std::string got[2];
            bool is_written[2] = {};
            on_threads(4, [&](unsigned i) {
                auto& halves = i % 2 == 0 ? left : right;
                if (i < 2) {
                    is_written[i] = block_on(halves.second.write_all(text)).has_value();
                    static_cast<void>(block_on(halves.second.shutdown()));
                } else {
                    got[i - 2] = block_on(halves.first.read_to_end()).value_or("failed");
                }
            });
            CHECK(is_written[0]);
            CHECK(is_written[1]);
            CHECK(got[0] == text);
            CHECK(got[1] == text);
        }
    }
}
