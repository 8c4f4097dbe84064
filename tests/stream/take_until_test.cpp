// SPDX-License-Identifier: MIT
#include "pollux/stream/take_until.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"
#include "support/manual_future.hpp"
#include "support/manual_stream.hpp"

namespace {

using pollux::test::drain;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/take_until") {
    TEST_CASE("take_until: gives items until the future is ready, in both forms") {
        auto piped = pollux::iter({1, 2}) | pollux::take_until(pollux::never_ready());
        static_assert(std::is_same_v<decltype(piped)::value_type, int>);
        static_assert(std::is_same_v<decltype(piped)::error_type, pollux::never>);
        CHECK(drain(piped) == std::vector{1, 2});
        auto called = pollux::take_until(pollux::iter({1, 2}), pollux::ready(std::string("value")));
        CHECK(drain(called).empty());
    }

    TEST_CASE("take_until: the future is asked first, wakes the stream, and ends it for ever") {
        pollux::test::manual_stream<std::unique_ptr<int>> source;
        pollux::test::manual<> stop;
        auto lent = source.stream();
        auto taken = pollux::by_ref(lent) | pollux::take_until(stop.future());
        CHECK(source.polls() == 0);
        CHECK(stop.polls() == 0);
        source.give(std::make_unique<int>(1));
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        CHECK(**assert_ready(taken.poll_next(cx)) == 1);
        CHECK(stop.polls() == 1);
        assert_pending(taken.poll_next(cx));
        source.give(std::make_unique<int>(2));
        CHECK(waker.count() == 1);
        stop.complete(pollux::polled<>::ready());
        CHECK(waker.count() == 2);
        CHECK_FALSE(assert_ready(taken.poll_next(cx)).has_value());
        CHECK_FALSE(stop.is_alive());
        CHECK_FALSE(assert_ready(taken.poll_next(cx)).has_value());
        CHECK(source.polls() == 2);
        CHECK(**assert_ready(poll_once(lent)) == 2);
    }

    TEST_CASE("take_until: errors of the source pass, and its end destroys the future") {
        pollux::test::manual_stream<int, std::string> source;
        pollux::test::manual<> stop;
        auto taken = source.stream() | pollux::take_until(stop.future());
        source.fail("e");
        source.throw_next(std::runtime_error("no"));
        source.give(1);
        source.end();
        CHECK(assert_ready(poll_once(taken)).error() == "e");
        CHECK_THROWS_AS(poll_once(taken), std::runtime_error);
        CHECK(assert_ready(poll_once(taken)).value() == 1);
        CHECK(stop.is_alive());
        CHECK_FALSE(assert_ready(poll_once(taken)).value().has_value());
        CHECK_FALSE(stop.is_alive());
        CHECK_FALSE(assert_ready(poll_once(taken)).value().has_value());
        CHECK(source.polls() == 4);
    }

    TEST_CASE("take_until: an error of the future is the last error, which meets never") {
        pollux::test::manual<int, std::string> stop;
        auto taken = pollux::iter({1, 2}) | pollux::take_until(stop.future());
        static_assert(std::is_same_v<decltype(taken)::error_type, std::string>);
        CHECK(assert_ready(poll_once(taken)).value() == 1);
        stop.complete(std::unexpected("stopped"));
        CHECK(assert_ready(poll_once(taken)).error() == "stopped");
        CHECK_FALSE(stop.is_alive());
        CHECK_FALSE(assert_ready(poll_once(taken)).value().has_value());
    }

    TEST_CASE("take_until: after an exception of the future it is at its end") {
        pollux::test::manual<> stop;
        auto taken = pollux::iter({1, 2}) | pollux::take_until(stop.future());
        stop.complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(taken), std::runtime_error);
        CHECK_FALSE(stop.is_alive());
        CHECK_FALSE(assert_ready(poll_once(taken)).has_value());
    }

    TEST_CASE("take_until: a drop destroys the future, then the source") {
        std::vector<std::string> log;
        {
            auto source = pollux::poll_stream_fn(
                [kept = pollux::test::mark(log, "source")](pollux::context&) -> pollux::polled<std::optional<int>> {
                    return pollux::pending;
                });
            auto taken = pollux::take_until(std::move(source),
                                            pollux::test::marked_future(pollux::test::mark(log, "future"), 1000, 1));
            assert_pending(poll_once(taken));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "source"});
    }

    TEST_CASE("take_until: allocates nothing, and a pipe of it can be kept and used again") {
        const auto at_once = pollux::take_until(pollux::ready());
        auto source = pollux::iter({1});
        auto other = source;
        const pollux::test::allocation_counter allocations;
        auto taken = std::move(source) | at_once;
        auto again = std::move(other) | at_once;
        CHECK_FALSE(assert_ready(poll_once(taken)).has_value());
        CHECK_FALSE(assert_ready(poll_once(again)).has_value());
        CHECK(allocations.count() == 0);
    }
}
