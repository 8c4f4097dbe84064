// SPDX-License-Identifier: MIT
#include "pollux/io/read.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
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

TEST_SUITE("io/read") {
    TEST_CASE("read: gives what one poll gives, and 0 at the end") {
        const auto script = scripted_bytes::make("abcdef", {up_to(4)});
        auto s = stream_of(script);
        std::string to(10, '-');
        auto first = pollux::io::read(s, to);
        static_assert(std::is_same_v<pollux::outcome_of<decltype(first)>, std::expected<std::size_t, std::error_code>>);
        CHECK(script->read_polls == 0);
        CHECK(assert_ready(poll_once(first)).value() == 4);
        CHECK(to == "abcd------");
        CHECK(block_on(pollux::io::read(s, to)).value() == 2);
        CHECK(to == "efcd------");
        CHECK(block_on(pollux::io::read(s, to)).value() == 0);
        CHECK(script->read_polls == 3);
    }
    TEST_CASE("read: while it is pending it has touched nothing, and dropping it loses nothing") {
        const auto script = scripted_bytes::make("abc", {waits(), waits()});
        auto s = stream_of(script);
        std::string to(3, '-');
        const wake_counter woken;
        {
            auto dropped = pollux::io::read(s, to);
            CHECK(poll_with(dropped, woken).is_pending());
        }
        CHECK(woken.count() == 1);
        CHECK(to == "---");
        CHECK(block_on(pollux::io::read(s, to)).value() == 3);
        CHECK(to == "abc");
    }
    TEST_CASE("read: hands out the error and the exception of the stream") {
        auto s = stream_of(scripted_bytes::make("abc", {fails(std::errc::connection_reset), throws_once()}));
        std::string to(3, '-');
        CHECK(block_on(pollux::io::read(s, to)).error() == std::errc::connection_reset);
        auto fut = pollux::io::read(s, to);
        CHECK_THROWS_AS(static_cast<void>(poll_once(fut)), std::runtime_error);
    }
    TEST_CASE("read: owns a temporary, and may be moved before its first poll") {
        const auto script = scripted_bytes::make("abc");
        std::string to(3, '-');
        {
            auto fut = pollux::io::read(stream_of(script), to);
            auto moved = std::move(fut);
            CHECK(script->is_alive);
            CHECK(assert_ready(poll_once(moved)).value() == 3);
        }
        CHECK(!script->is_alive);
    }

    TEST_CASE("read_some: gives a string of what one poll gives, empty at the end") {
        auto s = stream_of(scripted_bytes::make("abcdef", {waits(), up_to(4)}));
        CHECK(block_on(pollux::io::read_some(s, 5)).value() == "abcd");
        CHECK(block_on(pollux::io::read_some(s, 1)).value() == "e");
        CHECK(block_on(pollux::io::read_some(s, 0)).value().empty());
        CHECK(block_on(pollux::io::read_some(s, 100)).value() == "f");
        CHECK(block_on(pollux::io::read_some(s, 100)).value().empty());
    }
    TEST_CASE("read_some: allocates its string, holds none while it is pending, and loses nothing when dropped") {
        const auto script = scripted_bytes::make("abcdef", {waits(), fails(std::errc::io_error)});
        auto s = stream_of(script);
        {
            auto dropped = pollux::io::read_some(s, 1000);
            static_assert(sizeof(dropped) <= 2 * sizeof(void*));
            const allocation_counter allocations;
            assert_pending(poll_once(dropped));
            CHECK(allocations.count() == 1);
        }
        CHECK(block_on(pollux::io::read_some(s, 1000)).error() == std::errc::io_error);
        CHECK(block_on(pollux::io::read_some(s, 1000)).value() == "abcdef");
    }

    // It threw std::length_error.
    TEST_CASE("read_some: takes what there is however much it may be, and at most 1 MiB") {
        auto s = stream_of(scripted_bytes::make(std::string(1'500'000, 'x')));
        CHECK(block_on(pollux::io::read_some(s, std::numeric_limits<std::size_t>::max())).value().size() == 1'048'576);
        CHECK(block_on(pollux::io::read_some(s, 1'000'000)).value().size() == 451'424);
    }

    TEST_CASE("read_some: a string that is much shorter than what was asked for keeps no room") {
        auto s = stream_of(scripted_bytes::make(std::string(1000, 'x'), {up_to(10), up_to(900), up_to(90)}));
        CHECK(block_on(pollux::io::read_some(s, 4096)).value().capacity() < 100);
        CHECK(block_on(pollux::io::read_some(s, 65'536)).value().capacity() < 1000);
        const auto last = block_on(pollux::io::read_some(s, 100)).value();
        CHECK(last.size() == 90);
        CHECK(last.capacity() >= 100);  // that is not much
    }

    TEST_CASE("read_exact: reads on until the span is full, without allocating") {
        const auto script = scripted_bytes::make("abcdefgh", {up_to(1), waits(), up_to(2), up_to(10)});
        auto s = stream_of(script);
        std::string to(6, '-');
        const wake_counter woken;
        auto fut = pollux::io::read_exact(s, to);
        static_assert(std::is_same_v<decltype(fut)::value_type, void>);
        const auto waker = woken.waker();
        pollux::context cx(waker);
        const allocation_counter allocations;
        CHECK(fut.poll(cx).is_pending());
        CHECK(script->read == 1);
        CHECK(fut.poll(cx).has_value());
        CHECK(allocations.count() == 0);
        CHECK(to == "abcdef");
        CHECK(script->read == 6);
    }
    TEST_CASE("read_exact: an early end is an error, an empty span is ready without a poll") {
        const auto script = scripted_bytes::make("abc");
        auto s = stream_of(script);
        CHECK(block_on(pollux::io::read_exact(s, pollux::io::span())).has_value());
        CHECK(script->read_polls == 0);
        std::string to(4, '-');
        CHECK(block_on(pollux::io::read_exact(s, to)).error() == errc::unexpected_end);
        CHECK(to == "abc-");
        CHECK(block_on(pollux::io::read_exact(s, to)).error() == errc::unexpected_end);
    }
    TEST_CASE("read_exact: a dropped one has taken what is in the span, and no more") {
        const auto script = scripted_bytes::make("abcdef", {up_to(2), waits()});
        auto s = stream_of(script);
        std::string to(4, '-');
        {
            auto dropped = pollux::io::read_exact(s, to);
            assert_pending(poll_once(dropped));
        }
        CHECK(to == "ab--");
        CHECK(block_on(pollux::io::read_exact(s, to)).has_value());
        CHECK(to == "cdef");
    }
    TEST_CASE("read_exact: charges for each further read, and keeps what it has when the budget is spent") {
        const auto script = scripted_bytes::make("abcdef", {6, up_to(1)});
        auto s = stream_of(script);
        std::string to(6, '-');
        const wake_counter woken;
        auto fut = pollux::io::read_exact(s, to);
        CHECK(poll_within(fut, 3, woken.waker()).is_pending());
        CHECK(woken.count() == 1);
        CHECK(script->read_polls == 4);
        CHECK(poll_within(fut, 1, woken.waker()).has_value());
        CHECK(to == "abcdef");
    }

    TEST_CASE("read_to_end: gives all, however it comes, and the empty string of an empty stream") {
        std::mt19937 random(7);
        for (const std::size_t size : {0u, 1u, 1023u, 1024u, 1025u, 70'000u}) {
            CAPTURE(size);
            std::string all;
            while (all.size() != size) all += static_cast<char>(random());
            const auto script = scripted_bytes::make(all, random_script(random, 200, 900));
            auto s = stream_of(script);
            CHECK(block_on(pollux::io::read_to_end(s)).value() == all);
        }
    }
    TEST_CASE("read_to_end: hands out an error; dropped, it takes along what it has read") {
        const auto script = scripted_bytes::make("abcdef", {up_to(2), waits(), up_to(1), fails(std::errc::io_error)});
        auto s = stream_of(script);
        {
            auto dropped = pollux::io::read_to_end(s);
            assert_pending(poll_once(dropped));
        }
        CHECK(script->read == 2);
        CHECK(block_on(pollux::io::read_to_end(s)).error() == std::errc::io_error);
        CHECK(block_on(pollux::io::read_to_end(s)).value() == "def");
    }
    TEST_CASE("read_to_end: charges for each read") {
        const auto script = scripted_bytes::make("abcdef", {6, up_to(1)});
        auto s = stream_of(script);
        const wake_counter woken;
        auto fut = pollux::io::read_to_end(s);
        CHECK(poll_within(fut, 2, woken.waker()).is_pending());
        CHECK(woken.count() == 1);
        CHECK(script->read == 3);
        CHECK(poll_within(fut, 100, woken.waker()).value() == "abcdef");
    }
}
