// SPDX-License-Identifier: MIT
#include "pollux/io/write.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/io/errc.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/limited_poll.hpp"
#include "support/scripted_bytes.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::test;
using pollux::block_on;
using pollux::io::errc;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("io/write") {
    TEST_CASE("write: gives the number of bytes that one poll took; a short write is no error") {
        const auto script = scripted_bytes::make("", {}, {waits(), up_to(2)});
        auto s = stream_of(script);
        auto fut = pollux::io::write(s, "abc");
        static_assert(std::is_same_v<pollux::outcome_of<decltype(fut)>, std::expected<std::size_t, std::error_code>>);
        CHECK(script->write_polls == 0);
        assert_pending(poll_once(fut));
        CHECK(script->output.empty());
        CHECK(assert_ready(poll_once(fut)).value() == 2);
        CHECK(script->output == "ab");
        CHECK(block_on(pollux::io::write(s, "")).value() == 0);
    }
    TEST_CASE("write: a dropped one has written nothing; errors and exceptions come out") {
        const auto script =
            scripted_bytes::make("", {}, {waits(), fails(std::errc::broken_pipe), throws_once(), up_to(9)});
        auto s = stream_of(script);
        {
            auto dropped = pollux::io::write(s, "abc");
            assert_pending(poll_once(dropped));
        }
        CHECK(script->output.empty());
        CHECK(block_on(pollux::io::write(s, "abc")).error() == std::errc::broken_pipe);
        auto throwing = pollux::io::write(s, "abc");
        CHECK_THROWS_AS(static_cast<void>(poll_once(throwing)), std::runtime_error);
        CHECK(script->output.empty());
        CHECK(block_on(pollux::io::write(s, "abc")).value() == 3);
    }

    TEST_CASE("write_all: writes on until all is written, without allocating, and does not flush") {
        const auto script = scripted_bytes::make("", {}, {up_to(1), waits(), up_to(2)});
        script->output.reserve(100);
        auto s = stream_of(script);
        auto fut = pollux::io::write_all(s, "abcdef");
        static_assert(std::is_same_v<decltype(fut)::value_type, void>);
        const allocation_counter allocations;
        assert_pending(poll_once(fut));
        CHECK(script->output == "a");
        CHECK(poll_once(fut).has_value());
        CHECK(allocations.count() == 0);
        CHECK(script->output == "abcdef");
        CHECK(!script->flushed);
    }
    TEST_CASE("write_all: a stream that takes nothing is an error; no bytes are ready without a poll") {
        const auto script = scripted_bytes::make("", {}, {up_to(2), up_to(0)});
        auto s = stream_of(script);
        CHECK(block_on(pollux::io::write_all(s, "")).has_value());
        CHECK(script->write_polls == 0);
        CHECK(block_on(pollux::io::write_all(s, "abc")).error() == errc::write_zero);
        CHECK(script->output == "ab");
    }
    TEST_CASE("write_all: a dropped one has written a part, from the front") {
        const auto script = scripted_bytes::make("", {}, {up_to(3), waits()});
        auto s = stream_of(script);
        {
            auto dropped = pollux::io::write_all(s, "abcdef");
            assert_pending(poll_once(dropped));
        }
        CHECK(script->output == "abc");
    }
    TEST_CASE("write_all: charges for each further write") {
        const auto script = scripted_bytes::make("", {}, {6, up_to(1)});
        auto s = stream_of(script);
        const wake_counter woken;
        auto fut = pollux::io::write_all(s, "abcdef");
        CHECK(poll_within(fut, 3, woken.waker()).is_pending());
        CHECK(woken.count() == 1);
        CHECK(script->output == "abcd");
        CHECK(poll_within(fut, 1, woken.waker()).has_value());
        CHECK(script->output == "abcdef");
    }
    TEST_CASE("write_all: random short writes leave the same bytes in the same order") {
        std::mt19937 random(11);
        std::string all;
        while (all.size() != 20'000) all += static_cast<char>(random());
        const auto script = scripted_bytes::make("", {}, random_script(random, 500, 60));
        auto s = stream_of(script);
        CHECK(block_on(pollux::io::write_all(s, all)).has_value());
        CHECK(script->output == all);
        CHECK(script->writes.empty());
    }

    TEST_CASE("flush, shutdown: wait for the stream, and hand out its error") {
        const auto script = scripted_bytes::make("");
        auto s = stream_of(script);
        script->flushes = {waits(), fails(std::errc::io_error), waits()};
        CHECK(block_on(pollux::io::flush(s)).error() == std::errc::io_error);
        CHECK(script->shutdowns == 0);
        auto fut = pollux::io::shutdown(s);
        assert_pending(poll_once(fut));
        CHECK(script->shutdowns == 0);
        CHECK(poll_once(fut).has_value());
        CHECK(script->shutdowns == 1);
    }
    TEST_CASE("flush: is the one for byte streams where that for sinks is visible, too") {
        using namespace pollux;
        using namespace pollux::io;
        const auto script = scripted_bytes::make("");
        script->flushed = false;
        auto s = stream_of(script);
        CHECK(block_on(flush(s)).has_value());
        CHECK(script->flushed);
    }
}
