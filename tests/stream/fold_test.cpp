// SPDX-License-Identifier: MIT
#include "pollux/stream/fold.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"
#include "support/manual_stream.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::test::message_of_second_poll;
using pollux::test::poll_with;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/fold") {
    TEST_CASE("fold: calls the function with the value and each item in turn, in both forms") {
        auto piped = pollux::iter({1, 2, 3}) |
                     pollux::fold(std::string(), [](std::string text, int n) { return text + std::to_string(n); });
        CHECK(assert_ready(poll_once(piped)) == "123");
        auto called = pollux::fold(pollux::iter({1, 2, 3}), 10, [](int sum, int n) { return sum - n; });
        CHECK(assert_ready(poll_once(called)) == 4);
    }

    TEST_CASE("fold: without items the first value is the result, in the type that the function returns") {
        auto fut = pollux::iter(std::vector<int>()) | pollux::fold(7, [](long sum, int n) { return sum + n; });
        static_assert(std::is_same_v<decltype(fut)::value_type, long>);
        static_assert(std::is_same_v<decltype(fut)::error_type, pollux::never>);
        CHECK(assert_ready(poll_once(fut)) == 7);
    }

    TEST_CASE("fold: is lazy, waits for items, and is woken by them") {
        pollux::test::manual_stream<int> source;
        pollux::test::wake_counter waker;
        auto fut = source.stream() | pollux::fold(0, [](int sum, int n) { return sum + n; });
        CHECK(source.polls() == 0);
        assert_pending(poll_with(fut, waker));
        CHECK(waker.count() == 0);
        source.give(3);
        CHECK(waker.count() == 1);
        assert_pending(poll_with(fut, waker));
        source.give(4);
        source.end();
        CHECK(waker.count() == 2);
        CHECK(assert_ready(poll_with(fut, waker)) == 7);
        CHECK(source.is_alive());
    }

    TEST_CASE("fold: awaits the future of a step before it takes the next item") {
        pollux::test::manual_stream<int> source;
        std::vector<pollux::test::manual<int>> steps(2);
        pollux::test::wake_counter waker;
        std::size_t calls = 0;
        std::vector<int> seen;
        auto fut = source.stream() | pollux::fold(1, [&](int value, int) {
                       seen.push_back(value);
                       return steps[calls++].future();
                   });
        source.give(0);
        source.give(0);
        source.end();
        assert_pending(poll_with(fut, waker));
        CHECK(calls == 1);
        CHECK(source.left() == 1);
        steps[0].complete(20);
        CHECK(waker.count() == 1);
        assert_pending(poll_with(fut, waker));
        CHECK_FALSE(steps[0].is_alive());
        CHECK(seen == std::vector<int>{1, 20});
        steps[1].complete(300);
        CHECK(assert_ready(poll_with(fut, waker)) == 300);
    }

    TEST_CASE("fold: an error of the stream ends it and destroys the value") {
        pollux::test::manual_stream<int, std::string> source;
        std::vector<std::string> log;
        auto fut = source.stream() |
                   pollux::fold(pollux::test::mark(log, "value"), [](pollux::test::mark value, int) { return value; });
        source.give(1);
        source.fail("e");
        source.give(2);
        auto result = assert_ready(poll_once(fut));
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error() == "e");
        CHECK(log == std::vector<std::string>{"value"});
        CHECK(source.left() == 1);
    }

    TEST_CASE("fold: an error of a step ends it, and meets never") {
        int calls = 0;
        auto fut =
            pollux::iter({1, 2, 3}) | pollux::fold(0, [&calls](int sum, int n) -> std::expected<int, std::string> {
                ++calls;
                if (n == 2) return std::unexpected("two");
                return sum + n;
            });
        static_assert(std::is_same_v<decltype(fut)::value_type, int>);
        static_assert(std::is_same_v<decltype(fut)::error_type, std::string>);
        CHECK(assert_ready(poll_once(fut)).error() == "two");
        CHECK(calls == 2);
    }

    TEST_CASE("fold: the value may itself be a std::expected") {
        using value = std::expected<int, std::string>;
        auto fut = pollux::iter({1, 2}) |
                   pollux::fold(value(0), [](value sum, int n) { return n == 2 ? value(std::unexpect, "two") : sum; });
        static_assert(std::is_same_v<decltype(fut)::value_type, value>);
        CHECK(assert_ready(poll_once(fut)).error() == "two");
    }

    TEST_CASE("fold: a step may be one that can only fail") {
        auto fut = pollux::iter({1}) | pollux::fold(0, [](int, int) { return pollux::fail(std::string("always")); });
        static_assert(std::is_same_v<decltype(fut)::value_type, int>);
        CHECK(assert_ready(poll_once(fut)).error() == "always");
    }

    TEST_CASE("fold: exceptions of the function, of a step and of the stream come out of the poll") {
        auto thrower = pollux::iter({1}) | pollux::fold(0, [](int, int) -> int { throw std::runtime_error("fn"); });
        CHECK_THROWS_WITH(poll_once(thrower), "fn");
        pollux::test::manual<int> step;
        auto stepping = pollux::iter({1}) | pollux::fold(0, [&](int, int) { return step.future(); });
        assert_pending(poll_once(stepping));
        step.complete_by_throwing(std::runtime_error("step"));
        CHECK_THROWS_WITH(poll_once(stepping), "step");
        pollux::test::manual_stream<int> source;
        auto reading = source.stream() | pollux::fold(0, [](int, int n) { return n; });
        source.throw_next(std::runtime_error("stream"));
        CHECK_THROWS_WITH(poll_once(reading), "stream");
    }

    TEST_CASE("fold: value, items and function may be move-only, and nothing allocates") {
        std::vector<std::unique_ptr<int>> items;
        for (int n : {1, 2, 3}) items.push_back(std::make_unique<int>(n));
        auto fut = pollux::iter(std::move(items)) |
                   pollux::fold(std::make_unique<int>(0),
                                [kept = std::make_unique<int>(2)](std::unique_ptr<int> sum, std::unique_ptr<int> item) {
                                    *sum += *item * *kept;
                                    return sum;
                                });
        const pollux::test::allocation_counter allocations;
        auto sum = assert_ready(poll_once(fut));
        CHECK(allocations.count() == 0);
        CHECK(*sum == 12);
    }

    TEST_CASE("fold: dropped in a step, it destroys the step, the stream, then the function") {
        std::vector<std::string> log;
        {
            auto fut = pollux::fold(
                pollux::poll_stream_fn([kept = pollux::test::mark(log, "stream")](
                                           pollux::context&) -> pollux::polled<std::optional<int>> { return 1; }),
                0, [&log, kept = pollux::test::mark(log, "function")](int, int) {
                    return pollux::test::marked_future(pollux::test::mark(log, "step"), 2, 5);
                });
            assert_pending(poll_once(fut));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"step", "stream", "function"});
    }

    TEST_CASE("fold: over a stream that is always ready it yields when the budget is spent, and loses no item") {
        pollux::testing::counting_waker waker;
        int given = 0;
        auto fut = pollux::poll_stream_fn([&given](pollux::context&) -> pollux::polled<std::optional<int>> {
                       if (given == 5) return std::nullopt;
                       return ++given;
                   }) |
                   pollux::fold(0, [](int sum, int n) { return pollux::ready(sum + n); });
        assert_pending(pollux::test::poll_within(fut, 3, waker.waker()));
        CHECK(given == 3);
        CHECK(waker.count() == 1);
        CHECK(assert_ready(pollux::test::poll_within(fut, 3, waker.waker())) == 15);
    }

#ifndef NDEBUG
    TEST_CASE("fold: a debug build stops with a message when it is polled after it was ready or threw") {
        auto failing = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<int>> { throw std::runtime_error("stream"); });
        CHECK(message_of_second_poll(pollux::iter({1, 2}) | pollux::fold(0, [](int sum, int n) { return sum + n; }))
                  .starts_with("pollux: fold: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::iter({1, 2}) |
                                     pollux::fold(0, [](int sum, int n) { return pollux::ready(sum + n); }))
                  .starts_with("pollux: fold: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::iter({1}) |
                                     pollux::fold(0, [](int, int) -> int { throw std::runtime_error("fn"); }))
                  .starts_with("pollux: fold: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(failing | pollux::fold(0, [](int sum, int n) { return pollux::ready(sum + n); }))
                  .starts_with("pollux: fold: polled after it was ready or threw; "));
    }
#endif
}
