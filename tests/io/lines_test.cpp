// SPDX-License-Identifier: MIT
// Lines and lines_codec, against what plain string operations make of the same bytes.
#include "pollux/io/lines.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/io/errc.hpp"
#include "pollux/io/framed.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/limited_poll.hpp"
#include "support/scripted_bytes.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::test;
using pollux::block_on;
using pollux::next;
using pollux::io::errc;
using pollux::io::lines_codec;
using pollux::testing::assert_pending;
using pollux::testing::poll_once;

using texts = std::vector<std::string>;

const std::string too_long = "(too long)";

// Not by `+`: g++ 12 warns of it.
std::string with_end(std::size_t n, char end) {
    std::string text(n, 'x');
    text += end;
    return text;
}

// By the words of the docstring, from the whole text.
texts plain_lines(const std::string& all, std::size_t max) {
    texts result;
    for (std::size_t at = 0; at != all.size();) {
        std::size_t end = all.find('\n', at);
        const bool is_ended = end != std::string::npos;
        if (!is_ended) end = all.size();
        std::string line = all.substr(at, end - at);
        if (is_ended && line.ends_with('\r')) line.pop_back();
        result.push_back(line.size() > max ? too_long : line);
        at = is_ended ? end + 1 : end;
    }
    return result;
}

// To the end, and once more behind it.
texts drained(auto& stream) {
    texts result;
    while (auto item = block_on(next(stream)))
        result.push_back(item->has_value() ? **item : item->error() == errc::line_too_long ? too_long : "(other)");
    CHECK(!block_on(next(stream)).has_value());
    return result;
}

auto lines_of(const std::string& all, scripted_bytes::script reads = {}) {
    return pollux::io::lines(stream_of(scripted_bytes::make(all, std::move(reads))));
}
auto lines_within(const std::string& all, std::size_t max, scripted_bytes::script reads = {}) {
    return pollux::io::framed(stream_of(scripted_bytes::make(all, std::move(reads))), lines_codec{max});
}

}  // namespace

TEST_SUITE("io/lines") {
    TEST_CASE("lines: gives the lines without their ends; LF and CRLF end one; a last line without an end is given") {
        auto some = lines_of("one\ntwo\r\n\n\r\nfive\rsix\r\r\nlast");
        static_assert(pollux::stream<decltype(some)> && !pollux::sink<decltype(some)>);
        CHECK(drained(some) == texts{"one", "two", "", "", "five\rsix\r", "last"});
        auto none = lines_of("");
        CHECK(drained(none) == texts{});
        auto ended = lines_of("a\n");
        CHECK(drained(ended) == texts{"a"});
        auto with_cr = lines_of("a\r");
        CHECK(drained(with_cr) == texts{"a\r"});
        auto bytes = lines_of(std::string("\xff\0\x80\n", 4));
        CHECK(drained(bytes) == texts{std::string("\xff\0\x80", 3)});
    }
    TEST_CASE("lines: are the same wherever the bytes are cut in two") {
        const std::string all = "one\r\n\r\ntwo\n\nthree four\r\rfive\r\nlast\r";
        for (const std::size_t max : {0u, 3u, 4u, 5u, 10u, 15u, 16u, 17u, 1000u}) {
            for (std::size_t cut = 1; cut != all.size(); ++cut) {
                CAPTURE(max);
                CAPTURE(cut);
                auto once = lines_within(all, max, {up_to(cut), waits()});
                CHECK(drained(once) == plain_lines(all, max));
            }
            auto singly = lines_within(all, max, {all.size(), up_to(1)});
            CHECK(drained(singly) == plain_lines(all, max));
        }
    }
    TEST_CASE("lines: are those of plain string operations for random bytes in random pieces") {
        std::mt19937 random(1);
        for (int round = 0; round != 2000; ++round) {
            CAPTURE(round);
            std::string all;
            for (std::size_t n = random() % 60; n != 0; --n) all += "ab\r\n"[random() % 4];
            const std::size_t max = random() % 8 == 0 ? lines_codec::unlimited : random() % 12;
            auto some = lines_within(all, max, random_script(random, 30, 7));
            REQUIRE(drained(some) == plain_lines(all, max));
        }
    }
    TEST_CASE("lines: longer than the buffer, and many in one") {
        std::mt19937 random(2);
        std::string all;
        for (int i = 0; i != 300; ++i) all += with_end(random() % 9 == 0 ? random() % 30'000 : random() % 80, '\n');
        auto some = lines_of(all, random_script(random, 500, 5000));
        CHECK(drained(some) == plain_lines(all, lines_codec::unlimited));
    }
    TEST_CASE("lines_codec: the error of a long line comes before its end has, and no more than the limit is held") {
        const auto script = scripted_bytes::make(with_end(10'000'000, '\n').append("ok\n"));
        auto some = pollux::io::framed(stream_of(script), lines_codec{100});
        CHECK(block_on(next(some))->error() == errc::line_too_long);
        CHECK(script->read < 20'000);
        const allocation_counter allocations;
        auto after = pollux::testing::poll_once(some);
        CHECK(allocations.count() == 0);
        CHECK(after.value() == "ok");
    }
    TEST_CASE("lines_codec: looks at each byte once, however small the pieces are") {
        // One line, a byte at a time: looking at all of it each time would be 8 million million bytes, and no end of the test.
        const auto script = scripted_bytes::make(with_end(4'000'000, '\n'));
        script->longest_read = 1;
        auto some = pollux::io::lines(stream_of(script));
        CHECK(block_on(next(some))->value().size() == 4'000'000);
    }
    TEST_CASE("lines: a pending next that is dropped loses nothing") {
        auto some = lines_of("one\ntwo\n", {up_to(2), waits(), waits(), up_to(3)});
        for (int i = 0; i != 2; ++i) {
            auto dropped = next(some);
            assert_pending(poll_once(dropped));
        }
        CHECK(drained(some) == texts{"one", "two"});
    }
    TEST_CASE("lines: an error of the byte stream is given, and then the end; an exception comes out") {
        auto failing = lines_of("one\ntwo\n", {up_to(5), fails(std::errc::connection_reset)});
        CHECK(block_on(next(failing))->value() == "one");
        CHECK(block_on(next(failing))->error() == std::errc::connection_reset);
        CHECK(!block_on(next(failing)).has_value());
        auto throwing = lines_of("one\ntwo\n", {up_to(5), throws_once()});
        CHECK(block_on(next(throwing))->value() == "one");
        CHECK_THROWS_AS(static_cast<void>(poll_once(throwing)), std::runtime_error);
        CHECK(block_on(next(throwing))->value() == "two");
    }
    TEST_CASE("lines: reads lazily, owns its byte stream and destroys it with itself") {
        const auto script = scripted_bytes::make("one\n");
        {
            auto some = pollux::io::lines(stream_of(script));
            CHECK(script->read_polls == 0);
            CHECK(drained(some) == texts{"one"});
            CHECK(script->is_alive);
        }
        CHECK(!script->is_alive);
    }
    TEST_CASE("lines: charges for each read that makes no line, and a read that makes one costs nothing more") {
        auto some = lines_of("abcdef\n", {7, up_to(1)});
        const wake_counter woken;
        const auto poll = [&](std::int32_t units) {
            return with_budget(units, woken.waker(), [&](pollux::context& cx) { return some.poll_next(cx); });
        };
        CHECK(poll(3).is_pending());
        CHECK(woken.count() == 1);
        CHECK(poll(3).value() == "abcdef");
        CHECK(woken.count() == 1);
    }
    TEST_CASE("lines_codec: discarding a line without end yields when the budget is spent") {
        const auto script = scripted_bytes::make(std::string(1'000'000, 'x'));
        auto some = pollux::io::framed(stream_of(script), lines_codec{10});
        CHECK(block_on(next(some))->error() == errc::line_too_long);
        const wake_counter woken;
        const auto answer = with_budget(4, woken.waker(), [&](pollux::context& cx) { return some.poll_next(cx); });
        CHECK(answer.is_pending());
        CHECK(woken.count() == 1);
    }
}
