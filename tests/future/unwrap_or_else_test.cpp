// SPDX-License-Identifier: MIT
#include "pollux/future/unwrap_or_else.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

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

TEST_SUITE("future/unwrap_or_else") {
    TEST_CASE("unwrap_or_else: puts what the function returns in place of the error") {
        pollux::test::manual<std::string, std::unique_ptr<int>> source;
        int calls = 0;
        auto fut = source.future() | pollux::unwrap_or_else([&calls](std::unique_ptr<int> error) {
                       ++calls;
                       return *error == 3 ? "three" : "other";
                   });
        static_assert(std::is_same_v<decltype(fut)::value_type, std::string>);
        static_assert(std::is_same_v<decltype(fut)::error_type, pollux::never>);
        CHECK(source.polls() == 0);
        assert_pending(poll_once(fut));
        CHECK(calls == 0);
        source.complete(std::unexpected(std::make_unique<int>(3)));
        CHECK(assert_ready(poll_once(fut)) == "three");
        CHECK(calls == 1);
    }

    TEST_CASE("unwrap_or_else: a value passes, and the function is not called") {
        auto fut = pollux::unwrap_or_else(pollux::from_result(std::expected<int, std::string>(4)),
                                          [](const std::string&) -> int { throw std::logic_error("called"); });
        CHECK(assert_ready(poll_once(fut)) == 4);
        auto infallible = pollux::ready(1) | pollux::unwrap_or_else([](auto) { return 2; });
        CHECK(assert_ready(poll_once(infallible)) == 1);
    }

    TEST_CASE("unwrap_or_else: of void returns nothing, of a future without a value gives its own type") {
        int calls = 0;
        auto nothing = pollux::fail<void>(1) | pollux::unwrap_or_else([&calls](int) { ++calls; });
        static_assert(std::is_void_v<decltype(nothing)::value_type>);
        CHECK(poll_once(nothing).has_value());
        CHECK(calls == 1);
        auto failing = pollux::fail(1) | pollux::unwrap_or_else([](int error) { return error + 1L; });
        static_assert(std::is_same_v<decltype(failing)::value_type, long>);
        CHECK(assert_ready(poll_once(failing)) == 2);
    }

    TEST_CASE("unwrap_or_else: what the function throws comes out of the poll") {
        auto fut = pollux::fail<int>(1) | pollux::unwrap_or_else([](int) -> int { throw std::runtime_error("no"); });
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
    }

    // `x` was destroyed while the coroutine that it gave had still to read the capture.
    TEST_CASE(
        "unwrap_or_else: what gives a future stays, so it may be a map of a capturing lambda that is a coroutine") {
        const std::string text(60, 's');
        auto fut = pollux::ready(1) | pollux::map([text](int) -> pollux::task<std::string> { co_return text; }) |
                   pollux::unwrap_or_else([](pollux::never) -> pollux::task<std::string> { co_return std::string(); }) |
                   pollux::flatten();
        CHECK(assert_ready(poll_once(fut)) == text);
    }
}
