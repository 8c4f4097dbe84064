// SPDX-License-Identifier: MIT
#include "pollux/future/into_stream.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("future/into_stream") {
    TEST_CASE("into_stream: gives the value, destroys the future, and is at its end for ever") {
        pollux::test::manual<std::unique_ptr<int>> future;
        auto source = future.future() | pollux::into_stream();
        static_assert(pollux::stream<decltype(source)> && !pollux::future<decltype(source)>);
        CHECK(future.polls() == 0);
        assert_pending(poll_once(source));
        future.complete(std::make_unique<int>(5));
        auto item = assert_ready(poll_once(source));
        REQUIRE(item.has_value());
        CHECK(**item == 5);
        CHECK_FALSE(future.is_alive());
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
        CHECK(future.polls() == 2);
    }

    TEST_CASE("into_stream: gives an error once") {
        auto source = pollux::into_stream(pollux::fail(std::string("e")));
        static_assert(std::is_same_v<decltype(source)::value_type, pollux::never>);
        CHECK(assert_ready(poll_once(source)).error() == "e");
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("into_stream: void becomes unit") {
        auto source = pollux::ready() | pollux::into_stream();
        CHECK(assert_ready(poll_once(source)) == pollux::unit());
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
    }

    TEST_CASE("into_stream: after an exception it is at its end") {
        pollux::test::manual<int> future;
        auto source = pollux::into_stream(future.future());
        future.complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
    }

    TEST_CASE("into_stream: a future is destroyed when it is ready, one that gives a future with the stream") {
        pollux::test::manual<int> plain;
        auto first = pollux::into_stream(plain.future());
        plain.complete(1);
        CHECK(assert_ready(poll_once(first)) == 1);
        CHECK_FALSE(plain.is_alive());
        pollux::test::manual<decltype(pollux::ready(1)), int> nested;
        {
            auto second = pollux::into_stream(nested.future());
            nested.complete(pollux::ready(1));
            CHECK(assert_ready(poll_once(second)).has_value());
            CHECK(nested.is_alive());
            CHECK_FALSE(assert_ready(poll_once(second)).value().has_value());
        }
        CHECK_FALSE(nested.is_alive());
    }
}
