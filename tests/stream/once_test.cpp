// SPDX-License-Identifier: MIT
#include "pollux/stream/once.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "pollux/coro/async_stream.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/buffer_unordered.hpp"
#include "pollux/stream/buffered.hpp"
#include "pollux/stream/flatten.hpp"
#include "pollux/stream/then.hpp"
#include "pollux/testing/poll.hpp"
#include "support/drain.hpp"
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

    // The map was destroyed before its coroutine, the item, was polled.
    TEST_CASE("once: of a map of a capturing lambda that is a coroutine, in front of what polls its items") {
        const std::string text(60, 's');
        const auto make = [&text] {
            return pollux::once(pollux::ready(1) |
                                pollux::map([text](int) -> pollux::task<std::string> { co_return text; }));
        };
        auto in_order = make() | pollux::buffered(2);
        CHECK(assert_ready(poll_once(in_order)) == text);
        auto as_they_end = make() | pollux::buffer_unordered(2);
        CHECK(assert_ready(poll_once(as_they_end)) == text);
        auto one_by_one = make() | pollux::then([](pollux::task<std::string> it) { return it; });
        CHECK(assert_ready(poll_once(one_by_one)) == text);
    }

    TEST_CASE("once: of a map of a capturing lambda that makes a stream, in front of flatten") {
        const std::string text(60, 's');
        auto source = pollux::once(pollux::ready(2) | pollux::map([text](int n) -> pollux::async_stream<std::string> {
                                       while (n-- != 0) co_yield text + std::to_string(n);
                                   })) |
                      pollux::flatten();
        CHECK(pollux::test::drain(source) == std::vector{text + "1", text + "0"});
    }
}
