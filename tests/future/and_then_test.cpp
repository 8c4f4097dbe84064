// SPDX-License-Identifier: MIT
#include "pollux/future/and_then.hpp"

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

TEST_SUITE("future/and_then") {
    TEST_CASE("and_then: goes on into the second future when the first has a value") {
        pollux::test::manual<std::unique_ptr<int>, std::string> first;
        pollux::test::manual<int, std::string> second;
        int received = 0;
        auto fut = first.future() | pollux::and_then([&](std::unique_ptr<int> n) {
                       received = *n;
                       return second.future();
                   });
        CHECK(first.polls() == 0);
        assert_pending(poll_once(fut));
        CHECK(received == 0);
        first.complete(std::make_unique<int>(3));
        assert_pending(poll_once(fut));
        CHECK(received == 3);
        CHECK(second.polls() == 1);
        CHECK(first.polls() == 2);
        second.complete(8);
        CHECK(assert_ready(poll_once(fut)) == 8);
        CHECK(first.polls() == 2);
    }

    TEST_CASE("and_then: destroys the first future before it calls the function") {
        pollux::test::manual<int> first;
        first.complete(1);
        bool was_alive = true;
        auto fut = pollux::and_then(first.future(), [&](int) {
            was_alive = first.is_alive();
            return pollux::ready();
        });
        CHECK(poll_once(fut).has_value());
        CHECK_FALSE(was_alive);
    }

    TEST_CASE("and_then: keeps the function until the second future has been destroyed") {
        std::vector<std::string> log;
        {
            auto fut = pollux::ready() | pollux::and_then([&log, kept = pollux::test::mark(log, "function")] {
                           return pollux::test::marked_future(pollux::test::mark(log, "future"), 2, 5);
                       });
            assert_pending(poll_once(fut));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "function"});
    }

    TEST_CASE("and_then: an error passes and skips the function") {
        auto fut = pollux::fail(std::string("e")) | pollux::and_then([](auto) {
                       throw std::logic_error("called");
                       return pollux::ready(1);
                   });
        static_assert(std::is_same_v<decltype(fut)::value_type, int>);
        CHECK(assert_ready(poll_once(fut)).error() == "e");
    }

    TEST_CASE("and_then: the error of the second is the error, and meets never") {
        auto fut = pollux::ready(2) | pollux::and_then([](int n) -> std::expected<int, std::string> {
                       if (n == 2) return std::unexpected("two");
                       return n;
                   });
        CHECK(assert_ready(poll_once(fut)).error() == "two");
        auto failing = pollux::from_result(std::expected<int, int>(1)) |
                       pollux::and_then([](int n) { return pollux::fail(n + 1); });
        static_assert(std::is_same_v<decltype(failing)::value_type, pollux::never>);
        CHECK(poll_once(failing).error() == 2);
    }

    TEST_CASE("and_then: what the function throws comes out of the poll, after which the chain is empty") {
        pollux::test::manual<int> first;
        first.complete(1);
        auto fut = first.future() | pollux::and_then([](int) -> pollux::detail::result_future<int, pollux::never> {
                       throw std::runtime_error("no");
                   });
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        CHECK_FALSE(first.is_alive());
    }

#ifndef NDEBUG
    TEST_CASE(
        "and_then: a debug build stops with a message when it is polled after an error passed or its callable threw") {
        const auto next = [](int n) { return pollux::ready(n); };
        const auto throwing = [](int) -> std::expected<int, int> { throw std::runtime_error("no"); };
        CHECK(pollux::test::message_of_second_poll(pollux::fail<int>(1) | pollux::and_then(next))
                  .starts_with("pollux: a future was polled after it was ready or its callable threw; "));
        CHECK(pollux::test::message_of_second_poll(pollux::ready(1) | pollux::and_then(throwing))
                  .starts_with("pollux: a future was polled after it was ready or its callable threw; "));
    }
#endif

    TEST_CASE("and_then: may be moved and copied before its first poll, and is refused with a message after it") {
        const auto chain = pollux::ready(1) | pollux::and_then([](int n) { return pollux::ready(n + 1); });
        auto copy = chain;
        auto moved = std::move(copy);
        CHECK(assert_ready(poll_once(moved)) == 2);
        auto pending = pollux::ready() | pollux::and_then([] { return pollux::never_ready(); });
        assert_pending(poll_once(pending));
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(pending); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }

    TEST_CASE("and_then: allocates nothing") {
        const pollux::test::allocation_counter allocations;
        auto fut = pollux::ready(1) | pollux::and_then([](int n) { return pollux::ready(n + 1); });
        CHECK(assert_ready(poll_once(fut)) == 2);
        CHECK(allocations.count() == 0);
    }

    // `x` was destroyed while the coroutine that it gave had still to read the capture.
    TEST_CASE("and_then: what gives a future stays, so it may be a map of a capturing lambda that is a coroutine") {
        const std::string text(60, 's');
        auto fut = pollux::ready(1) | pollux::map([text](int) -> pollux::task<std::string> { co_return text; }) |
                   pollux::and_then([](pollux::task<std::string> it) { return it; });
        CHECK(assert_ready(poll_once(fut)) == text);
    }
}
