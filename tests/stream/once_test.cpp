// SPDX-License-Identifier: MIT
#include "pollux/stream/once.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <string>
#include <type_traits>

#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/once") {
    TEST_CASE("once: gives the value of the future as its one item") {
        pollux::test::manual<std::unique_ptr<int>, std::string> future;
        auto source = pollux::once(future.future());
        CHECK(future.polls() == 0);
        assert_pending(poll_once(source));
        future.complete(std::make_unique<int>(5));
        CHECK(**assert_ready(poll_once(source)).value() == 5);
        CHECK_FALSE(future.is_alive());
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("once: gives an error once, and unit for void") {
        auto failing = pollux::once(pollux::fail<int>(2));
        CHECK(assert_ready(poll_once(failing)).error() == 2);
        CHECK_FALSE(assert_ready(poll_once(failing)).value().has_value());
        auto nothing = pollux::once(pollux::ready());
        static_assert(std::is_same_v<decltype(nothing)::value_type, pollux::unit>);
        CHECK(assert_ready(poll_once(nothing)).has_value());
    }
}
