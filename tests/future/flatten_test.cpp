// SPDX-License-Identifier: MIT
#include "pollux/future/flatten.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/coro/task.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("future/flatten") {
    TEST_CASE("flatten: goes on into the future that the first one gives") {
        pollux::test::manual<std::unique_ptr<int>> inner;
        pollux::test::manual<> outer;
        auto fut = outer.future() | pollux::map([&] { return inner.future(); }) | pollux::flatten();
        static_assert(std::is_same_v<decltype(fut)::value_type, std::unique_ptr<int>>);
        CHECK(outer.polls() == 0);
        assert_pending(poll_once(fut));
        CHECK(inner.polls() == 0);
        outer.complete(pollux::polled<>::ready());
        assert_pending(poll_once(fut));
        CHECK(inner.polls() == 1);
        CHECK_FALSE(outer.is_alive());
        inner.complete(std::make_unique<int>(3));
        CHECK(*assert_ready(poll_once(fut)) == 3);
    }

    TEST_CASE("flatten: an error of either is the error, and meets never") {
        auto outer = pollux::flatten(pollux::fail<decltype(pollux::ready())>(std::string("outer")));
        static_assert(std::is_void_v<decltype(outer)::value_type>);
        CHECK(assert_ready(poll_once(outer)).error() == "outer");
        auto inner = pollux::flatten(pollux::ready(pollux::fail<int>(std::string("inner"))));
        CHECK(assert_ready(poll_once(inner)).error() == "inner");
    }

    TEST_CASE("flatten: an exception of either comes out of the poll") {
        pollux::test::manual<decltype(pollux::ready(1))> outer;
        auto first = pollux::flatten(outer.future());
        outer.complete_by_throwing(std::runtime_error("outer"));
        CHECK_THROWS_WITH_AS(poll_once(first), "outer", std::runtime_error);
        pollux::test::manual<int> inner;
        auto second = pollux::flatten(pollux::ready() | pollux::map([&] { return inner.future(); }));
        inner.complete_by_throwing(std::runtime_error("inner"));
        CHECK_THROWS_WITH_AS(poll_once(second), "inner", std::runtime_error);
    }

    TEST_CASE("flatten: a drop destroys the one that it waits for") {
        pollux::test::manual<int> inner;
        {
            auto fut = pollux::flatten(pollux::ready() | pollux::map([&] { return inner.future(); }));
            assert_pending(poll_once(fut));
            CHECK(inner.is_alive());
        }
        CHECK_FALSE(inner.is_alive());
    }

    TEST_CASE("flatten: is refused with a message when it is moved after its first poll; allocates nothing") {
        const pollux::test::allocation_counter allocations;
        auto fut = pollux::flatten(pollux::ready(pollux::never_ready()));
        auto moved = std::move(fut);
        assert_pending(poll_once(moved));
        CHECK(allocations.count() == 0);
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(moved); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }

    // The map was destroyed, and the inner one put into its bytes, while the coroutine had still to read the capture.
    TEST_CASE(
        "flatten: the first stays while the second runs, so map may have a capturing lambda that is a coroutine") {
        pollux::test::manual<> gate;
        const std::string text(60, 's');
        auto fut = pollux::ready(1) | pollux::map([text, &gate](int n) -> pollux::task<std::string> {
                       co_await gate.future();
                       co_return text + std::to_string(n);
                   }) |
                   pollux::flatten();
        assert_pending(poll_once(fut));
        gate.complete(pollux::polled<>::ready());
        CHECK(assert_ready(poll_once(fut)) == text + "1");
    }

    TEST_CASE("flatten: the second is destroyed before the first") {
        std::vector<std::string> log;
        const auto make = [&log] {
            return pollux::ready() | pollux::map([&log, kept = pollux::test::mark(log, "callable")] {
                       return pollux::test::marked_future(pollux::test::mark(log, "second"), 2, 1);
                   }) |
                   pollux::flatten();
        };
        {
            auto dropped = make();
            assert_pending(poll_once(dropped));
        }
        CHECK(log == std::vector<std::string>{"second", "callable"});
        log.clear();
        {
            auto fut = make();
            assert_pending(poll_once(fut));
            CHECK(assert_ready(poll_once(fut)) == 1);
        }
        CHECK(log == std::vector<std::string>{"second", "callable"});
    }

    TEST_CASE("flatten: an error of the first destroys it") {
        pollux::test::manual<decltype(pollux::ready(1)), int> outer;
        auto fut = pollux::flatten(outer.future());
        outer.complete(std::unexpected(3));
        CHECK(assert_ready(poll_once(fut)).error() == 3);
        CHECK_FALSE(outer.is_alive());
    }
}
