// SPDX-License-Identifier: MIT
#include "pollux/stream/for_each.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/context.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/testing/poll.hpp"
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

// With both namespaces open, a pair of iterators still goes to std::for_each.
int sum_of(const std::vector<int>& numbers) {
    using namespace std;
    using namespace pollux;
    int sum = 0;
    for_each(numbers.begin(), numbers.end(), [&sum](int n) { sum += n; });
    return sum;
}

}  // namespace

TEST_SUITE("stream/for_each") {
    TEST_CASE("for_each: calls the function with each item, in both forms") {
        std::vector<int> seen;
        auto piped = pollux::iter({1, 2}) | pollux::for_each([&seen](int n) { seen.push_back(n); });
        static_assert(std::is_void_v<decltype(piped)::value_type>);
        static_assert(std::is_same_v<decltype(piped)::error_type, pollux::never>);
        CHECK(seen.empty());
        CHECK(poll_once(piped).has_value());
        auto called = pollux::for_each(pollux::iter({3}), [&seen](int n) { seen.push_back(n); });
        CHECK(poll_once(called).has_value());
        CHECK(seen == std::vector<int>{1, 2, 3});
    }

    TEST_CASE("for_each: the future of an item is awaited before the next item is taken") {
        pollux::test::manual_stream<int> source;
        std::vector<pollux::test::manual<>> steps(2);
        pollux::test::wake_counter waker;
        auto fut = source.stream() | pollux::for_each([&steps](int n) { return steps[std::size_t(n)].future(); });
        assert_pending(poll_with(fut, waker));
        source.give(0);
        CHECK(waker.count() == 1);
        source.give(1);
        assert_pending(poll_with(fut, waker));
        CHECK(source.left() == 1);
        CHECK(steps[1].polls() == 0);
        steps[0].complete(pollux::polled<>::ready());
        CHECK(waker.count() == 2);
        assert_pending(poll_with(fut, waker));
        CHECK_FALSE(steps[0].is_alive());
        CHECK(steps[1].polls() == 1);
        steps[1].complete(pollux::polled<>::ready());
        source.end();
        CHECK(poll_with(fut, waker).has_value());
    }

    TEST_CASE("for_each: stops at the first error of the stream") {
        pollux::test::manual_stream<int, std::string> source;
        int calls = 0;
        auto fut = source.stream() | pollux::for_each([&calls](int) { ++calls; });
        source.give(1);
        source.fail("e");
        source.give(2);
        CHECK(assert_ready(poll_once(fut)).error() == "e");
        CHECK(calls == 1);
        CHECK(source.left() == 1);
    }

    TEST_CASE("for_each: stops at the first error of the function's result") {
        int calls = 0;
        auto expected = pollux::iter({1, 2, 3}) | pollux::for_each([&](int n) -> std::expected<void, std::string> {
                            ++calls;
                            if (n == 2) return std::unexpected("two");
                            return {};
                        });
        CHECK(assert_ready(poll_once(expected)).error() == "two");
        CHECK(calls == 2);
        auto failing = pollux::iter({1, 2}) | pollux::for_each([](int n) { return pollux::fail(std::to_string(n)); });
        CHECK(assert_ready(poll_once(failing)).error() == "1");
    }

    TEST_CASE("for_each: a capturing lambda may be a coroutine") {
        std::vector<std::string> seen;
        auto fut = pollux::iter({std::string("a"), std::string("b")}) |
                   pollux::for_each([&seen, prefix = std::string("item ")](std::string item) -> pollux::task<> {
                       co_await pollux::ready();
                       seen.push_back(prefix + item);
                   });
        pollux::block_on(std::move(fut));
        CHECK(seen == std::vector<std::string>{"item a", "item b"});
    }

    TEST_CASE("for_each: an exception of the function comes out of the poll") {
        auto fut = pollux::iter({1}) | pollux::for_each([](int) { throw std::runtime_error("fn"); });
        CHECK_THROWS_WITH(poll_once(fut), "fn");
    }

    TEST_CASE("for_each: takes move-only items") {
        std::vector<std::unique_ptr<int>> items;
        items.push_back(std::make_unique<int>(4));
        int seen = 0;
        auto fut = pollux::iter(std::move(items)) | pollux::for_each([&seen](std::unique_ptr<int> n) { seen = *n; });
        CHECK(poll_once(fut).has_value());
        CHECK(seen == 4);
    }

    TEST_CASE("for_each: over a stream that is always ready it yields when the budget is spent") {
        pollux::testing::counting_waker waker;
        int seen = 0;
        auto fut = pollux::poll_stream_fn([](pollux::context&) -> pollux::polled<std::optional<int>> { return 1; }) |
                   pollux::for_each([&seen](int) { ++seen; });
        assert_pending(pollux::test::poll_within(fut, 3, waker.waker()));
        CHECK(seen == 3);
        CHECK(waker.count() == 1);
        assert_pending(pollux::test::poll_within(fut, 2, waker.waker()));
        CHECK(seen == 5);
    }

    TEST_CASE("for_each: takes an expected that cannot fail") {
        int sum = 0;
        auto fut = pollux::iter({1, 2}) | pollux::for_each([&](int n) {
                       sum += n;
                       return std::expected<void, pollux::never>();
                   });
        static_assert(std::is_same_v<decltype(fut)::error_type, pollux::never>);
        CHECK(poll_once(fut).has_value());
        CHECK(sum == 3);
    }

    TEST_CASE("for_each: leaves a pair of iterators to the standard library") { CHECK(sum_of({1, 2, 3}) == 6); }

#ifndef NDEBUG
    TEST_CASE("for_each: a debug build stops with a message when it is polled after it was ready or threw") {
        auto failing = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<int>> { throw std::runtime_error("stream"); });
        pollux::test::manual<void> done;
        done.complete(pollux::polled<>::ready());
        const auto step = [&] { return done.future(); };
        CHECK(message_of_second_poll(pollux::iter({1}) | pollux::for_each([&](int) { return step(); }))
                  .starts_with("pollux: for_each: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(failing | pollux::for_each([&](int) { return step(); }))
                  .starts_with("pollux: for_each: polled after it was ready or threw; "));
    }
#endif
}
