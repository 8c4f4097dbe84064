// SPDX-License-Identifier: MIT
#include "pollux/stream/and_then.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"
#include "support/scripted_stream.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using script = pollux::test::scripted_stream<int, std::string>;

}  // namespace

TEST_SUITE("stream/and_then") {
    TEST_CASE("and_then: each item goes on into a future, one at a time and in order") {
        std::vector<pollux::test::manual<std::unique_ptr<int>, std::string>> steps(2);
        std::size_t calls = 0;
        int polls = 0;
        auto source = script(&polls, 1, 2) | pollux::and_then([&](int) { return steps[calls++].future(); });
        static_assert(std::is_same_v<decltype(source)::value_type, std::unique_ptr<int>>);
        static_assert(std::is_same_v<decltype(source)::error_type, std::string>);
        CHECK(polls == 0);
        assert_pending(poll_once(source));
        assert_pending(poll_once(source));
        CHECK(polls == 1);
        CHECK(calls == 1);
        CHECK(steps[0].polls() == 2);
        steps[1].complete(std::make_unique<int>(20));
        assert_pending(poll_once(source));
        steps[0].complete(std::make_unique<int>(10));
        CHECK(**assert_ready(poll_once(source)).value() == 10);
        CHECK_FALSE(steps[0].is_alive());
        CHECK(polls == 1);
        CHECK(**assert_ready(poll_once(source)).value() == 20);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK(calls == 2);
    }

    TEST_CASE("and_then: errors of the stream pass, an error of a future is one error, and the stream goes on") {
        auto source = pollux::and_then(script(nullptr, std::unexpected("source"), pollux::pending, 1, 2),
                                       [](int n) -> std::expected<int, std::string> {
                                           if (n == 1) return std::unexpected("one");
                                           return n;
                                       });
        CHECK(assert_ready(poll_once(source)).error() == "source");
        assert_pending(poll_once(source));
        CHECK(assert_ready(poll_once(source)).error() == "one");
        CHECK(assert_ready(poll_once(source)).value() == 2);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("and_then: void becomes unit, and never meets every error") {
        auto nothing = pollux::iter({1}) | pollux::and_then([](int) { return pollux::ready(); });
        CHECK(pollux::test::drain(nothing) == std::vector{pollux::unit()});
        auto failing = pollux::iter({1}) | pollux::and_then([](int) { return pollux::fail(7); });
        static_assert(std::is_same_v<decltype(failing)::value_type, pollux::never>);
        CHECK(assert_ready(poll_once(failing)).error() == 7);
    }

    TEST_CASE("and_then: after an exception of the function or of a future the next item follows") {
        auto source = pollux::iter({1, 2, 3}) | pollux::and_then([](int n) {
                          if (n == 1) throw std::runtime_error("function");
                          return pollux::poll_fn([n](pollux::context&) -> pollux::polled<int> {
                              if (n == 2) throw std::runtime_error("future");
                              return n;
                          });
                      });
        CHECK_THROWS_WITH_AS(poll_once(source), "function", std::runtime_error);
        CHECK_THROWS_WITH_AS(poll_once(source), "future", std::runtime_error);
        CHECK(assert_ready(poll_once(source)) == 3);
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
    }

    TEST_CASE("and_then: destroys the future in flight, then the source, then the function") {
        std::vector<std::string> log;
        {
            auto source =
                pollux::poll_stream_fn([kept = pollux::test::mark(log, "source")](
                                           pollux::context&) -> pollux::polled<std::optional<int>> { return 1; }) |
                pollux::and_then([&log, kept = pollux::test::mark(log, "function")](int) {
                    return pollux::test::marked_future(pollux::test::mark(log, "future"), 2, 5);
                });
            assert_pending(poll_once(source));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "source", "function"});
    }

    TEST_CASE("and_then: is refused with a message when it is moved in flight; allocates nothing") {
        auto items = std::vector{1};
        const pollux::test::allocation_counter allocations;
        auto source = pollux::iter(std::move(items)) | pollux::and_then([](int) { return pollux::never_ready<int>(); });
        assert_pending(poll_once(source));
        CHECK(allocations.count() == 0);
        const auto message = pollux::test::message_of_abort([&] { auto moved = std::move(source); });
        CHECK(message.starts_with("pollux: "));
    }
}
