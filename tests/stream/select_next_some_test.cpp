// SPDX-License-Identifier: MIT
#include "pollux/stream/select_next_some.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/stream/futures_unordered.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::test::message_of_second_poll;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/select_next_some") {
    TEST_CASE("select_next_some: gives the next item of a stream that stays where it is") {
        auto numbers = pollux::iter({1, 2});
        auto first = pollux::select_next_some(numbers);
        static_assert(std::is_same_v<decltype(first)::value_type, int>);
        static_assert(std::is_same_v<decltype(first)::error_type, pollux::never>);
        CHECK(assert_ready(poll_once(first)) == 1);
        auto second = numbers | pollux::select_next_some();
        CHECK(assert_ready(poll_once(second)) == 2);
        auto third = pollux::select_next_some(numbers);
        assert_pending(poll_once(third));
        auto owned = pollux::select_next_some(pollux::iter({5}));
        CHECK(assert_ready(poll_once(owned)) == 5);
    }

    TEST_CASE("select_next_some: of a set that is empty it is pending, and woken when the set is filled") {
        pollux::test::manual<int, std::string> job;
        pollux::futures_unordered<pollux::test::manual<int, std::string>::future_type> set;
        auto fut = pollux::select_next_some(set);
        static_assert(std::is_same_v<decltype(fut)::value_type, std::expected<int, std::string>>);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(fut.poll(cx));
        assert_pending(fut.poll(cx));
        CHECK(waker.count() == 0);
        set.push(job.future());
        CHECK(waker.count() == 1);
        assert_pending(fut.poll(cx));
        job.complete(std::unexpected("e"));
        CHECK(waker.count() == 2);
        CHECK(assert_ready(fut.poll(cx)).error() == "e");
    }

    TEST_CASE("select_next_some: a drop while it is pending loses nothing") {
        pollux::test::manual<int> job;
        pollux::futures_unordered<pollux::test::manual<int>::future_type> set;
        set.push(job.future());
        {
            auto fut = pollux::select_next_some(set);
            assert_pending(poll_once(fut));
        }
        CHECK(job.is_alive());
        job.complete(3);
        auto again = pollux::select_next_some(set);
        CHECK(assert_ready(poll_once(again)) == 3);
    }

    TEST_CASE("select_next_some: an exception goes up; items may be only movable") {
        auto throwing = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<int>> { throw std::runtime_error("no"); });
        auto fut = pollux::select_next_some(throwing);
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        std::vector<std::unique_ptr<int>> items;
        items.push_back(std::make_unique<int>(4));
        auto owned = pollux::select_next_some(pollux::iter(std::move(items)));
        CHECK(*assert_ready(poll_once(owned)) == 4);
    }

    TEST_CASE("select_next_some: a loop over items that are always there yields when the budget is spent") {
        pollux::detail::poll_budget budget = pollux::test::budget_of(2);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker(), &budget);
        auto numbers = pollux::iter({1, 2, 3});
        for (int i = 1; i <= 2; ++i) {
            auto fut = pollux::select_next_some(numbers);
            CHECK(assert_ready(fut.poll(cx)) == i);
        }
        auto fut = pollux::select_next_some(numbers);
        assert_pending(fut.poll(cx));
        CHECK(waker.count() == 1);
        CHECK(assert_ready(poll_once(fut)) == 3);
    }

#ifndef NDEBUG
    TEST_CASE(
        "select_next_some: a debug build stops with a message when it is polled after it was ready or threw, which "
        "would lose an item") {
        auto lent = pollux::iter({1, 2});
        auto failing = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<int>> { throw std::runtime_error("stream"); });
        CHECK(message_of_second_poll(pollux::select_next_some(lent))
                  .starts_with("pollux: select_next_some: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::select_next_some(pollux::iter({1, 2})))
                  .starts_with("pollux: select_next_some: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::select_next_some(failing))
                  .starts_with("pollux: select_next_some: polled after it was ready or threw; "));
    }
#endif
}
