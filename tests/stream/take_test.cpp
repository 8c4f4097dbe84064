// SPDX-License-Identifier: MIT
#include "pollux/stream/take.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/future/by_ref.hpp"
#include "pollux/stream/iter.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"
#include "support/manual_stream.hpp"

namespace {

using pollux::test::drain;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/take") {
    TEST_CASE("take: gives the first n items, in both forms") {
        auto piped = pollux::iter({1, 2, 3}) | pollux::take(2);
        static_assert(std::is_same_v<decltype(piped)::value_type, int>);
        CHECK(drain(piped) == std::vector{1, 2});
        auto called = pollux::take(pollux::iter({1, 2, 3}), 5);
        CHECK(drain(called) == std::vector{1, 2, 3});
    }

    TEST_CASE("take: does not poll the source after the nth item, and leaves the rest to whoever lent it") {
        pollux::test::manual_stream<std::unique_ptr<int>> source;
        source.give(std::make_unique<int>(1));
        source.give(std::make_unique<int>(2));
        auto lent = source.stream();
        auto first = pollux::by_ref(lent) | pollux::take(1);
        CHECK(source.polls() == 0);
        CHECK(**assert_ready(poll_once(first)) == 1);
        CHECK_FALSE(assert_ready(poll_once(first)).has_value());
        CHECK_FALSE(assert_ready(poll_once(first)).has_value());
        CHECK(source.polls() == 1);
        CHECK(**assert_ready(poll_once(lent)) == 2);
    }

    TEST_CASE("take: of 0 is at its end without a poll of the source, which it keeps until it is destroyed") {
        pollux::test::manual_stream<int> source;
        {
            auto none = source.stream() | pollux::take(0);
            CHECK_FALSE(assert_ready(poll_once(none)).has_value());
            CHECK(source.polls() == 0);
            CHECK(source.is_alive());
        }
        CHECK_FALSE(source.is_alive());
    }

    TEST_CASE("take: errors and pending pass and are not counted") {
        pollux::test::manual_stream<int, std::string> source;
        auto first = source.stream() | pollux::take(1);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(first.poll_next(cx));
        source.fail("e");
        CHECK(waker.count() == 1);
        source.fail("f");
        source.give(1);
        CHECK(assert_ready(first.poll_next(cx)).error() == "e");
        CHECK(assert_ready(first.poll_next(cx)).error() == "f");
        CHECK(assert_ready(first.poll_next(cx)).value() == 1);
        CHECK_FALSE(assert_ready(first.poll_next(cx)).value().has_value());
    }

    TEST_CASE("take: an exception passes and is not counted") {
        pollux::test::manual_stream<int> source;
        auto first = source.stream() | pollux::take(1);
        source.throw_next(std::runtime_error("no"));
        source.give(1);
        CHECK_THROWS_AS(poll_once(first), std::runtime_error);
        CHECK(assert_ready(poll_once(first)) == 1);
        CHECK_FALSE(assert_ready(poll_once(first)).has_value());
    }

    TEST_CASE("take: does not poll a source that has ended early again") {
        pollux::test::manual_stream<int> source;
        source.end();
        auto first = source.stream() | pollux::take(3);
        CHECK_FALSE(assert_ready(poll_once(first)).has_value());
        CHECK_FALSE(assert_ready(poll_once(first)).has_value());
        CHECK(source.polls() == 1);
    }

    TEST_CASE("take: allocates nothing, and a pipe can be kept and used again") {
        const auto two = pollux::take(2);
        auto source = pollux::iter({1, 2, 3});
        auto other = source;
        const pollux::test::allocation_counter allocations;
        auto first = std::move(source) | two;
        auto second = std::move(other) | two;
        CHECK(assert_ready(poll_once(first)) == 1);
        CHECK(assert_ready(poll_once(second)) == 1);
        CHECK(allocations.count() == 0);
    }
}
