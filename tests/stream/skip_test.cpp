// SPDX-License-Identifier: MIT
#include "pollux/stream/skip.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "support/drain.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_stream.hpp"

namespace {

using pollux::test::drain;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/skip") {
    TEST_CASE("skip: gives the items after the first n, in both forms") {
        auto piped = pollux::iter({1, 2, 3}) | pollux::skip(1);
        CHECK(drain(piped) == std::vector{2, 3});
        auto called = pollux::skip(pollux::iter({1, 2, 3}), 3);
        CHECK(drain(called).empty());
        auto all = pollux::iter({1, 2}) | pollux::skip(0);
        CHECK(drain(all) == std::vector{1, 2});
        auto none = pollux::iter({1}) | pollux::skip(std::numeric_limits<std::size_t>::max());
        CHECK(drain(none).empty());
    }

    TEST_CASE("skip: errors, exceptions and pending pass and are not counted") {
        pollux::test::manual_stream<std::unique_ptr<int>, std::string> source;
        auto rest = source.stream() | pollux::skip(2);
        CHECK(source.polls() == 0);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(rest.poll_next(cx));
        source.give(std::make_unique<int>(1));
        CHECK(waker.count() == 1);
        source.fail("e");
        source.throw_next(std::runtime_error("no"));
        source.give(std::make_unique<int>(2));
        source.give(std::make_unique<int>(3));
        source.end();
        CHECK(assert_ready(rest.poll_next(cx)).error() == "e");
        CHECK_THROWS_AS(rest.poll_next(cx), std::runtime_error);
        CHECK(**assert_ready(rest.poll_next(cx)).value() == 3);
        CHECK_FALSE(assert_ready(rest.poll_next(cx)).value().has_value());
    }

    TEST_CASE("skip: yields when the budget of the poll is spent, and goes on where it was") {
        int taken = 0;
        auto rest = pollux::poll_stream_fn([&taken](pollux::context&) {
                        ++taken;
                        return pollux::polled<std::optional<int>>(taken);
                    }) |
                    pollux::skip(5);
        pollux::testing::counting_waker waker;
        assert_pending(
            pollux::test::with_budget(3, waker.waker(), [&](pollux::context& cx) { return rest.poll_next(cx); }));
        CHECK(taken == 4);
        CHECK(waker.count() == 1);
        CHECK(assert_ready(poll_once(rest)) == 6);
    }

    TEST_CASE("skip: keeps the source until it is destroyed") {
        pollux::test::manual_stream<int> source;
        source.end();
        {
            auto rest = source.stream() | pollux::skip(1);
            CHECK_FALSE(assert_ready(poll_once(rest)).has_value());
            CHECK(source.is_alive());
        }
        CHECK_FALSE(source.is_alive());
    }
}
