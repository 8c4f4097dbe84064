// SPDX-License-Identifier: MIT
#include "pollux/future/or_else.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "pollux/coro/task.hpp"
#include "pollux/future/flatten.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("future/or_else") {
    TEST_CASE("or_else: goes on into the second future when the first has failed, and destroys the first before") {
        pollux::test::manual<int, std::string> first;
        pollux::test::manual<int, long> second;
        bool was_alive = true;
        auto fut = first.future() | pollux::or_else([&](std::string error) {
                       was_alive = first.is_alive();
                       CHECK(error == "e");
                       return second.future();
                   });
        static_assert(std::is_same_v<decltype(fut)::error_type, long>);
        assert_pending(poll_once(fut));
        first.complete(std::unexpected("e"));
        assert_pending(poll_once(fut));
        CHECK_FALSE(was_alive);
        second.complete(5);
        CHECK(assert_ready(poll_once(fut)) == 5);
    }

    TEST_CASE("or_else: a value passes and skips the function") {
        auto fut = pollux::from_result(std::expected<int, int>(3)) | pollux::or_else([](int) {
                       throw std::logic_error("called");
                       return pollux::ready(0);
                   });
        static_assert(std::is_same_v<decltype(fut)::error_type, pollux::never>);
        CHECK(assert_ready(poll_once(fut)) == 3);
        auto nothing =
            pollux::from_result(std::expected<void, int>()) | pollux::or_else([](int) { return pollux::ready(); });
        CHECK(poll_once(nothing).has_value());
    }

    TEST_CASE("or_else: fail in it changes the error and meets every value") {
        auto fut = pollux::fail<int>(3) | pollux::or_else([](int code) { return pollux::fail(std::to_string(code)); });
        static_assert(std::is_same_v<decltype(fut)::value_type, int>);
        CHECK(assert_ready(poll_once(fut)).error() == "3");
    }

    // `x` was destroyed while the coroutine that it gave had still to read the capture.
    TEST_CASE("or_else: what gives a future stays, so it may be a map of a capturing lambda that is a coroutine") {
        const std::string text(60, 's');
        auto fut = pollux::ready(1) | pollux::map([text](int) -> pollux::task<std::string> { co_return text; }) |
                   pollux::or_else([](pollux::never) { return pollux::fail<pollux::task<std::string>>(1); }) |
                   pollux::flatten();
        CHECK(assert_ready(poll_once(fut)) == text);
    }
}
