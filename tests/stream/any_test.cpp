// SPDX-License-Identifier: MIT
#include "pollux/stream/any.hpp"

#include <doctest/doctest.h>

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
#include "pollux/future/by_ref.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"
#include "support/manual_stream.hpp"

namespace {

using pollux::test::message_of_second_poll;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

bool is_even(const int& n) { return n % 2 == 0; }

}  // namespace

TEST_SUITE("stream/any") {
    TEST_CASE("any: true at the first item for which it holds, and asks for no more") {
        pollux::test::manual_stream<int> source;
        auto numbers = source.stream();
        for (int n : {1, 2, 3}) source.give(n);
        auto fut = pollux::by_ref(numbers) | pollux::any(is_even);
        static_assert(std::is_same_v<decltype(fut)::value_type, bool>);
        CHECK(source.polls() == 0);
        CHECK(assert_ready(poll_once(fut)));
        CHECK(source.left() == 1);
    }

    TEST_CASE("any: false if it holds for none, or if there are none") {
        auto none = pollux::any(pollux::iter({1, 3}), is_even);
        CHECK_FALSE(assert_ready(poll_once(none)));
        auto empty = pollux::any(pollux::iter(std::vector<int>()), is_even);
        CHECK_FALSE(assert_ready(poll_once(empty)));
    }

    TEST_CASE("all: false at the first item for which it does not hold, and asks for no more") {
        pollux::test::manual_stream<int> source;
        auto numbers = source.stream();
        for (int n : {2, 3, 4}) source.give(n);
        auto fut = pollux::all(pollux::by_ref(numbers), is_even);
        CHECK_FALSE(assert_ready(poll_once(fut)));
        CHECK(source.left() == 1);
    }

    TEST_CASE("all: true if it holds for each, or if there are none") {
        auto each = pollux::iter({2, 4}) | pollux::all(is_even);
        CHECK(assert_ready(poll_once(each)));
        auto empty = pollux::iter(std::vector<int>()) | pollux::all(is_even);
        CHECK(assert_ready(poll_once(empty)));
    }

    TEST_CASE("any, all: the item stays in place while the predicate's future refers to it") {
        std::vector<std::string> words{"a long word that is on the heap", "another long word on the heap"};
        pollux::test::manual<> go;
        auto fut = pollux::iter(words) | pollux::any([&go](const std::string& word) -> pollux::task<bool> {
                       co_await go.future();
                       co_return word == "a long word that is on the heap";
                   });
        assert_pending(poll_once(fut));
        go.complete(pollux::polled<>::ready());
        CHECK(assert_ready(poll_once(fut)));
        auto each = pollux::iter(words) | pollux::all([](const std::string& word) -> pollux::task<bool> {
                        co_await pollux::ready();
                        co_return word.size() > 5;
                    });
        CHECK(pollux::block_on(std::move(each)));
    }

    TEST_CASE("any, all: the first error of the stream or of the predicate is the result") {
        pollux::test::manual_stream<int, std::string> source;
        auto fut = source.stream() | pollux::any(is_even);
        source.give(1);
        source.fail("e");
        CHECK(assert_ready(poll_once(fut)).error() == "e");
        auto failing =
            pollux::iter({2}) | pollux::all([](const int&) -> std::expected<bool, int> { return std::unexpected(7); });
        static_assert(std::is_same_v<decltype(failing)::error_type, int>);
        CHECK(assert_ready(poll_once(failing)).error() == 7);
    }

    TEST_CASE("any, all: exceptions of the predicate come out of the poll; items may be move-only") {
        auto thrower = pollux::iter({1}) | pollux::any([](int) -> bool { throw std::runtime_error("fn"); });
        CHECK_THROWS_WITH(poll_once(thrower), "fn");
        std::vector<std::unique_ptr<int>> items;
        items.push_back(std::make_unique<int>(4));
        auto fut = pollux::iter(std::move(items)) | pollux::all([](const std::unique_ptr<int>& n) { return *n == 4; });
        CHECK(assert_ready(poll_once(fut)));
    }

    TEST_CASE("any, all: over a stream that is always ready they yield when the budget is spent") {
        pollux::testing::counting_waker waker;
        const auto ones = [] {
            return pollux::poll_stream_fn([](pollux::context&) -> pollux::polled<std::optional<int>> { return 1; });
        };
        auto any = ones() | pollux::any(is_even);
        assert_pending(pollux::test::poll_within(any, 3, waker.waker()));
        CHECK(waker.count() == 1);
        auto all = ones() | pollux::all([](int) { return pollux::ready(true); });
        assert_pending(pollux::test::poll_within(all, 3, waker.waker()));
        CHECK(waker.count() == 2);
    }

#ifndef NDEBUG
    TEST_CASE("any, all: a debug build stops with a message when it is polled after it was ready or threw") {
        auto failing = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<int>> { throw std::runtime_error("stream"); });
        CHECK(message_of_second_poll(pollux::iter({1, 2}) | pollux::any([](int n) { return n == 1; }))
                  .starts_with("pollux: any: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::iter({1, 2}) | pollux::all([](int n) { return pollux::ready(n != 0); }))
                  .starts_with("pollux: all: polled after it was ready or threw; "));
        CHECK(
            message_of_second_poll(pollux::iter({1}) | pollux::any([](int) -> bool { throw std::runtime_error("fn"); }))
                .starts_with("pollux: any: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(failing | pollux::all([](int) { return true; }))
                  .starts_with("pollux: all: polled after it was ready or threw; "));
    }
#endif
}
