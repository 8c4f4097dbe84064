// SPDX-License-Identifier: MIT
#include "pollux/future/then.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <string>
#include <utility>

#include "pollux/coro/task.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("future/then") {
    TEST_CASE("then: gets the outcome, whatever it is") {
        auto value = pollux::ready(std::make_unique<int>(2)) |
                     pollux::then([](std::unique_ptr<int> n) { return pollux::ready(*n); });
        CHECK(assert_ready(poll_once(value)) == 2);
        auto nothing = pollux::ready() | pollux::then([] { return pollux::ready(3); });
        CHECK(assert_ready(poll_once(nothing)) == 3);
        const auto describe = [](std::expected<void, std::string> result) {
            return pollux::ready(result.has_value() ? std::string("fine") : result.error());
        };
        auto fine = pollux::from_result(std::expected<void, std::string>()) | pollux::then(describe);
        CHECK(assert_ready(poll_once(fine)) == "fine");
        auto failed = pollux::fail<void>(std::string("e")) | pollux::then(describe);
        CHECK(assert_ready(poll_once(failed)) == "e");
    }

    TEST_CASE("then: destroys the first future before it calls the function, and waits for the second") {
        pollux::test::manual<int> first;
        pollux::test::manual<int> second;
        bool was_alive = true;
        auto fut = pollux::then(first.future(), [&](int) {
            was_alive = first.is_alive();
            return second.future();
        });
        assert_pending(poll_once(fut));
        first.complete(1);
        assert_pending(poll_once(fut));
        CHECK_FALSE(was_alive);
        CHECK(second.polls() == 1);
        second.complete(2);
        CHECK(assert_ready(poll_once(fut)) == 2);
    }

    // `x` was destroyed while the coroutine that it gave had still to read the capture.
    TEST_CASE("then: what gives a future stays, so it may be a map of a capturing lambda that is a coroutine") {
        const std::string text(60, 's');
        auto fut = pollux::ready(1) | pollux::map([text](int) -> pollux::task<std::string> { co_return text; }) |
                   pollux::then([](pollux::task<std::string> it) { return it; });
        CHECK(assert_ready(poll_once(fut)) == text);
    }
}
