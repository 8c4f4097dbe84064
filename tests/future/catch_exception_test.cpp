// SPDX-License-Identifier: MIT
#include "pollux/future/catch_exception.hpp"

#include <doctest/doctest.h>

#include <exception>
#include <expected>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "pollux/future/lazy.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("future/catch_exception") {
    TEST_CASE("catch_exception: an exception out of the poll becomes the error") {
        pollux::test::manual<int> source;
        auto fut = source.future() | pollux::catch_exception();
        assert_pending(poll_once(fut));
        source.complete_by_throwing(std::runtime_error("no"));
        auto result = assert_ready(poll_once(fut));
        REQUIRE_FALSE(result.has_value());
        CHECK_THROWS_WITH_AS(std::rethrow_exception(result.error()), "no", std::runtime_error);
    }

    TEST_CASE("catch_exception: its value is the outcome, an error included") {
        auto value = pollux::catch_exception(pollux::ready(1));
        static_assert(std::is_same_v<decltype(value)::value_type, int>);
        CHECK(assert_ready(poll_once(value)) == 1);
        auto nothing = pollux::catch_exception(pollux::ready());
        static_assert(std::is_void_v<decltype(nothing)::value_type>);
        CHECK(assert_ready(poll_once(nothing)).has_value());
        auto failed = pollux::catch_exception(pollux::fail<int>(std::string("e")));
        static_assert(std::is_same_v<decltype(failed)::value_type, std::expected<int, std::string>>);
        CHECK(assert_ready(poll_once(failed))->error() == "e");
    }
}
