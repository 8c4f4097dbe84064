// SPDX-License-Identifier: MIT
#include "pollux/stream/then.hpp"

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

}  // namespace

TEST_SUITE("stream/then") {
    TEST_CASE("then: each outcome, of an item or of an error, goes on into a future, in order") {
        using outcome = std::expected<std::unique_ptr<int>, std::string>;
        int polls = 0;
        auto source =
            pollux::test::scripted_stream<std::unique_ptr<int>, std::string>(
                &polls, std::make_unique<int>(1), pollux::pending, std::unexpected("e"), std::make_unique<int>(3)) |
            pollux::then([](outcome result) -> std::expected<int, int> {
                if (!result.has_value()) return 20;
                if (**result == 3) return std::unexpected(30);
                return **result * 10;
            });
        static_assert(std::is_same_v<decltype(source)::value_type, int>);
        static_assert(std::is_same_v<decltype(source)::error_type, int>);
        CHECK(polls == 0);
        CHECK(assert_ready(poll_once(source)).value() == 10);
        assert_pending(poll_once(source));
        CHECK(assert_ready(poll_once(source)).value() == 20);
        CHECK(assert_ready(poll_once(source)).error() == 30);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("then: of a stream that cannot fail gets the plain item; one future at a time") {
        pollux::test::manual<> step;
        int calls = 0;
        auto source = pollux::then(pollux::iter({1, 2}), [&](int) {
            ++calls;
            return step.future();
        });
        static_assert(std::is_same_v<decltype(source)::value_type, pollux::unit>);
        static_assert(std::is_same_v<decltype(source)::error_type, pollux::never>);
        assert_pending(poll_once(source));
        assert_pending(poll_once(source));
        CHECK(calls == 1);
        CHECK(step.polls() == 2);
        step.complete(pollux::polled<>::ready());
        CHECK(assert_ready(poll_once(source)).has_value());
        CHECK_FALSE(step.is_alive());
        CHECK(assert_ready(poll_once(source)).has_value());
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
        CHECK(calls == 2);
    }

    TEST_CASE("then: after an exception of the function or of a future the next item follows") {
        auto source = pollux::iter({1, 2, 3}) | pollux::then([](int n) {
                          if (n == 1) throw std::runtime_error("function");
                          pollux::test::manual<int> step;
                          step.complete(n);
                          if (n == 2) step.complete_by_throwing(std::runtime_error("future"));
                          return step.future();
                      });
        CHECK_THROWS_WITH_AS(poll_once(source), "function", std::runtime_error);
        CHECK_THROWS_WITH_AS(poll_once(source), "future", std::runtime_error);
        CHECK(assert_ready(poll_once(source)) == 3);
    }

    TEST_CASE("then: a drop destroys the future in flight before the function") {
        std::vector<std::string> log;
        {
            auto source = pollux::iter({1}) | pollux::then([&log, kept = pollux::test::mark(log, "function")](int) {
                              return pollux::test::marked_future(pollux::test::mark(log, "future"), 2, 5);
                          });
            assert_pending(poll_once(source));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "function"});
    }
}
