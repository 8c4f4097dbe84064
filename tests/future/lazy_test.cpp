// SPDX-License-Identifier: MIT
#include "pollux/future/lazy.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("future/lazy") {
    TEST_CASE("lazy: calls its function at the first poll and not before") {
        int calls = 0;
        auto fut = pollux::lazy([&calls] { return ++calls; });
        CHECK(calls == 0);
        CHECK(assert_ready(poll_once(fut)) == 1);
        CHECK(calls == 1);
        {
            auto dropped = pollux::lazy([&calls] { return ++calls; });
        }
        CHECK(calls == 1);
    }

    TEST_CASE("lazy: goes on into the future that the function returned") {
        pollux::test::manual<int, std::string> inner;
        int calls = 0;
        auto fut = pollux::lazy([&] {
            ++calls;
            return inner.future();
        });
        CHECK(inner.polls() == 0);
        assert_pending(poll_once(fut));
        assert_pending(poll_once(fut));
        CHECK(calls == 1);
        CHECK(inner.polls() == 2);
        inner.complete(4);
        CHECK(assert_ready(poll_once(fut)) == 4);
        CHECK(calls == 1);
    }

    TEST_CASE("lazy: takes a plain value, nothing, an expected") {
        auto value = pollux::lazy([] { return std::make_unique<int>(1); });
        CHECK(*assert_ready(poll_once(value)) == 1);
        auto nothing = pollux::lazy([] {});
        CHECK(poll_once(nothing).has_value());
        auto failing = pollux::lazy([]() -> std::expected<int, std::string> { return std::unexpected("e"); });
        auto answer = poll_once(failing);
        REQUIRE(answer.has_error());
        CHECK(answer.error() == "e");
        auto never_failing = pollux::lazy([] { return std::expected<int, pollux::never>(2); });
        static_assert(std::is_same_v<decltype(never_failing)::error_type, pollux::never>);
        CHECK(assert_ready(poll_once(never_failing)) == 2);
    }

    TEST_CASE("lazy: keeps the function until the future that it returned has been destroyed") {
        std::vector<std::string> log;
        {
            auto fut = pollux::lazy([&log, kept = pollux::test::mark(log, "function")] {
                return pollux::test::marked_future(pollux::test::mark(log, "future"), 1, 5);
            });
            CHECK(assert_ready(poll_once(fut)) == 5);
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "function"});
    }

    TEST_CASE("lazy: a drop while it is pending destroys the inner future") {
        pollux::test::manual<> inner;
        {
            auto fut = pollux::lazy([&] { return inner.future(); });
            assert_pending(poll_once(fut));
            CHECK(inner.is_alive());
        }
        CHECK_FALSE(inner.is_alive());
    }

    TEST_CASE("lazy: what the function throws comes out of the poll") {
        auto fut = pollux::lazy([]() -> int { throw std::runtime_error("no"); });
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
    }

    TEST_CASE("lazy: may be moved before its first poll, and is refused with a message after it") {
        auto fut = pollux::lazy([] { return pollux::never_ready(); });
        auto moved = std::move(fut);
        assert_pending(poll_once(moved));
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(moved); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}
