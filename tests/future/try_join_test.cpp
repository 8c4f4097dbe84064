// SPDX-License-Identifier: MIT
#include "pollux/future/try_join.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::test::message_of_second_poll;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("future/try_join") {
    TEST_CASE("try_join: finishes with the values of all, in argument order") {
        pollux::test::manual<std::unique_ptr<int>, std::string> first;
        pollux::test::manual<void> second;
        pollux::test::manual<int, std::string> third;
        auto fut = pollux::try_join(first.future(), second.future(), third.future());
        static_assert(std::is_same_v<decltype(fut)::value_type, std::tuple<std::unique_ptr<int>, pollux::unit, int>>);
        static_assert(std::is_same_v<decltype(fut)::error_type, std::string>);
        CHECK(first.polls() == 0);
        assert_pending(poll_once(fut));
        CHECK(first.polls() + second.polls() + third.polls() == 3);
        third.complete(3);
        assert_pending(poll_once(fut));
        CHECK_FALSE(third.is_alive());
        second.complete(pollux::polled<>::ready());
        first.complete(std::make_unique<int>(1));
        auto values = assert_ready(poll_once(fut));
        REQUIRE(values.has_value());
        CHECK(*std::get<0>(*values) == 1);
        CHECK(std::get<2>(*values) == 3);
        CHECK(third.polls() == 2);
    }

    TEST_CASE("try_join: the first error destroys the rest, polls none of them, and is the error") {
        pollux::test::manual<int, std::string> first;
        pollux::test::manual<int, std::string> second;
        pollux::test::manual<int> third;
        auto fut = pollux::try_join(first.future(), second.future(), third.future());
        assert_pending(poll_once(fut));
        first.complete(1);
        second.complete(std::unexpected("e"));
        CHECK(assert_ready(poll_once(fut)).error() == "e");
        CHECK_FALSE(first.is_alive());
        CHECK_FALSE(second.is_alive());
        CHECK_FALSE(third.is_alive());
        CHECK(third.polls() == 1);
    }

    TEST_CASE("try_join: of two errors at once the lower index wins; a future without a value can only fail") {
        auto fut = pollux::try_join(pollux::ready(1), pollux::fail(2), pollux::fail<int>(3));
        CHECK(assert_ready(poll_once(fut)).error() == 2);
    }

    TEST_CASE("try_join: of futures that cannot fail, of none") {
        auto two = pollux::try_join(pollux::ready(1), pollux::ready('c'));
        static_assert(std::is_same_v<decltype(two)::error_type, pollux::never>);
        CHECK(assert_ready(poll_once(two)) == std::tuple(1, 'c'));
        auto none = pollux::try_join();
        CHECK(assert_ready(poll_once(none)) == std::tuple());
    }

    TEST_CASE("try_join: an exception destroys the others and is thrown on") {
        pollux::test::manual<int> first;
        pollux::test::manual<int> second;
        auto fut = pollux::try_join(first.future(), second.future());
        assert_pending(poll_once(fut));
        first.complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        CHECK_FALSE(second.is_alive());
    }

    TEST_CASE("try_join: a drop while it is pending destroys all; it allocates nothing") {
        pollux::test::manual<int> first;
        pollux::test::manual<int> second;
        auto one = first.future();
        auto other = second.future();
        const pollux::test::allocation_counter allocations;
        {
            auto fut = pollux::try_join(std::move(one), std::move(other));
            first.complete(1);
            assert_pending(poll_once(fut));
            CHECK(second.is_alive());
        }
        CHECK_FALSE(second.is_alive());
        CHECK(allocations.count() == 0);
    }

#ifndef NDEBUG
    TEST_CASE("try_join: a debug build stops with a message when it is polled after it was ready or threw") {
        const auto failing = [] {
            return pollux::poll_fn([](pollux::context&) -> pollux::polled<int> { throw std::runtime_error("child"); });
        };
        CHECK(message_of_second_poll(pollux::try_join(pollux::ready(1)))
                  .starts_with("pollux: try_join: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::try_join(pollux::never_ready(), failing()))
                  .starts_with("pollux: try_join: polled after it was ready or threw; "));
    }
#endif
}
