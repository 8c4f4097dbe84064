// SPDX-License-Identifier: MIT
#include "pollux/future/inspect.hpp"

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

TEST_SUITE("future/inspect") {
    TEST_CASE("inspect: shows the value once, and hands it on unchanged, also one that can only be moved") {
        pollux::test::manual<std::unique_ptr<int>, std::string> source;
        int shown = 0;
        auto fut = source.future() | pollux::inspect([&shown](const std::unique_ptr<int>& n) { shown += *n; });
        static_assert(std::is_same_v<decltype(fut)::value_type, std::unique_ptr<int>>);
        CHECK(source.polls() == 0);
        assert_pending(poll_once(fut));
        CHECK(shown == 0);
        source.complete(std::make_unique<int>(7));
        CHECK(*assert_ready(poll_once(fut)).value() == 7);
        CHECK(shown == 7);
    }

    TEST_CASE("inspect: an error passes unseen") {
        int calls = 0;
        auto fut = pollux::inspect(pollux::fail<int>(std::string("e")), [&calls](int) { ++calls; });
        CHECK(assert_ready(poll_once(fut)).error() == "e");
        CHECK(calls == 0);
    }

    TEST_CASE("inspect: is called with nothing for void; what the function returns is ignored") {
        int calls = 0;
        auto fut = pollux::ready() | pollux::inspect([&calls] { return ++calls; });
        static_assert(std::is_void_v<decltype(fut)::value_type>);
        CHECK(poll_once(fut).has_value());
        CHECK(calls == 1);
    }

    TEST_CASE("inspect: what the function throws comes out of the poll") {
        auto fut = pollux::ready(1) | pollux::inspect([](int) { throw std::runtime_error("no"); });
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
    }

    TEST_CASE("inspect_err: shows the error and not the value") {
        std::string shown;
        const auto look = pollux::inspect_err([&shown](const std::string& error) { shown += error; });
        auto failing = pollux::fail<int>(std::string("e")) | look;
        CHECK(assert_ready(poll_once(failing)).error() == "e");
        CHECK(shown == "e");
        auto succeeding = pollux::from_result(std::expected<int, std::string>(3)) | look;
        CHECK(assert_ready(poll_once(succeeding)).value() == 3);
        CHECK(shown == "e");
    }

    TEST_CASE("inspect_err: pending passes, and what the function throws comes out of the poll") {
        pollux::test::manual<int, int> source;
        auto fut = pollux::inspect_err(source.future(), [](int) { throw std::runtime_error("no"); });
        assert_pending(poll_once(fut));
        source.complete(std::unexpected(1));
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
    }

    // `x` was destroyed while the coroutine that it gave had still to read the capture.
    TEST_CASE("inspect: what gives a future stays, so it may be a map of a capturing lambda that is a coroutine") {
        const std::string text(60, 's');
        auto fut = pollux::ready(1) | pollux::map([text](int) -> pollux::task<std::string> { co_return text; }) |
                   pollux::inspect([](const auto&) {}) | pollux::inspect_err([](const auto&) {}) | pollux::flatten();
        CHECK(assert_ready(poll_once(fut)) == text);
    }
}
