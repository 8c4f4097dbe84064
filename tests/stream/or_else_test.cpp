// SPDX-License-Identifier: MIT
#include "pollux/stream/or_else.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "support/drain.hpp"
#include "support/manual_future.hpp"
#include "support/scripted_stream.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

template <class T>
using script = pollux::test::scripted_stream<T, std::string>;

}  // namespace

TEST_SUITE("stream/or_else") {
    TEST_CASE("or_else: each error goes on into a future, whose outcome takes its place; items pass") {
        pollux::test::manual<std::unique_ptr<int>, int> step;
        int polls = 0;
        std::string received;
        auto source = script<std::unique_ptr<int>>(&polls, std::make_unique<int>(1), std::unexpected("e"),
                                                   std::make_unique<int>(3)) |
                      pollux::or_else([&](std::string error) {
                          received += error;
                          return step.future();
                      });
        static_assert(std::is_same_v<decltype(source)::error_type, int>);
        CHECK(polls == 0);
        CHECK(**assert_ready(poll_once(source)).value() == 1);
        assert_pending(poll_once(source));
        assert_pending(poll_once(source));
        CHECK(received == "e");
        CHECK(polls == 2);
        step.complete(std::make_unique<int>(2));
        CHECK(**assert_ready(poll_once(source)).value() == 2);
        CHECK_FALSE(step.is_alive());
        CHECK(**assert_ready(poll_once(source)).value() == 3);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("or_else: a future that fails is one error, and the stream goes on") {
        auto source = pollux::or_else(script<int>(nullptr, std::unexpected("a"), pollux::pending, 2),
                                      [](const std::string& error) { return pollux::fail(error + "b"); });
        static_assert(std::is_same_v<decltype(source)::value_type, int>);
        CHECK(assert_ready(poll_once(source)).error() == "ab");
        assert_pending(poll_once(source));
        CHECK(assert_ready(poll_once(source)).value() == 2);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("or_else: void stands for unit, and an item type never for every other") {
        auto units = script<pollux::unit>(nullptr, std::unexpected("e"), pollux::unit()) |
                     pollux::or_else([](const std::string&) { return pollux::ready(); });
        static_assert(std::is_same_v<decltype(units)::error_type, pollux::never>);
        CHECK(pollux::test::drain(units).size() == 2);
        auto numbers = script<pollux::never>(nullptr, std::unexpected("e")) |
                       pollux::or_else([](const std::string&) { return pollux::ready(4); });
        CHECK(pollux::test::drain(numbers) == std::vector{4});
        auto infallible = pollux::iter({1, 2}) | pollux::or_else([](auto) { return pollux::ready(0); });
        CHECK(pollux::test::drain(infallible) == std::vector{1, 2});
    }

    TEST_CASE("or_else: after an exception of the function or of a future the stream goes on") {
        auto source = script<int>(nullptr, std::unexpected("function"), std::unexpected("future"), 3) |
                      pollux::or_else([](const std::string& error) {
                          if (error == "function") throw std::runtime_error(error);
                          pollux::test::manual<int, int> step;
                          step.complete_by_throwing(std::runtime_error(error));
                          return step.future();
                      });
        CHECK_THROWS_WITH_AS(poll_once(source), "function", std::runtime_error);
        CHECK_THROWS_WITH_AS(poll_once(source), "future", std::runtime_error);
        CHECK(assert_ready(poll_once(source)).value() == 3);
    }

    TEST_CASE("or_else: a drop destroys the future in flight before the function") {
        std::vector<std::string> log;
        {
            auto source = script<int>(nullptr, std::unexpected("e")) |
                          pollux::or_else([&log, kept = pollux::test::mark(log, "function")](const std::string&) {
                              return pollux::test::marked_future(pollux::test::mark(log, "future"), 2, 5);
                          });
            assert_pending(poll_once(source));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "function"});
    }
}
