// SPDX-License-Identifier: MIT
#include "pollux/stream/next.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

// With both namespaces open, an iterator still goes to std::next.
int second_of(const std::vector<pollux::boxed_future<int>>& futures) {
    using namespace std;
    using namespace pollux;
    return static_cast<int>(next(futures.begin()) - futures.begin());
}

}  // namespace

TEST_SUITE("stream/next") {
    TEST_CASE("next: takes one item of an lvalue each time, and nullopt at the end") {
        auto source = pollux::iter({1, 2});
        auto first = pollux::next(source);
        static_assert(std::is_same_v<decltype(first)::value_type, std::optional<int>>);
        CHECK(assert_ready(poll_once(first)) == 1);
        auto second = source | pollux::next();
        CHECK(assert_ready(poll_once(second)) == 2);
        auto end = pollux::next(source);
        CHECK(assert_ready(poll_once(end)) == std::nullopt);
    }

#ifndef NDEBUG
    TEST_CASE(
        "next: a debug build stops with a message when it is polled after it was ready, which would lose an item") {
        auto source = pollux::iter({1, 2});
        CHECK(pollux::test::message_of_second_poll(pollux::next(source))
                  .starts_with("pollux: next: polled after it was ready or threw; "));
        CHECK(pollux::test::message_of_second_poll(pollux::next(pollux::iter({1, 2})))
                  .starts_with("pollux: next: polled after it was ready or threw; "));
    }
#endif

    TEST_CASE("next: owns a temporary") {
        std::vector<std::unique_ptr<int>> items;
        items.push_back(std::make_unique<int>(4));
        auto fut = pollux::next(pollux::iter(std::move(items)));
        CHECK(**assert_ready(poll_once(fut)) == 4);
    }

    TEST_CASE("next: cannot fail: an error of the stream is an item, and the end is false") {
        int polls = 0;
        auto source =
            pollux::poll_stream_fn([&polls](pollux::context&) -> pollux::polled<std::optional<int>, std::string> {
                ++polls;
                if (polls == 1) return std::unexpected("e");
                if (polls == 2) return 5;
                return std::nullopt;
            });
        auto error = pollux::next(source);
        static_assert(std::is_same_v<decltype(error)::value_type, std::optional<std::expected<int, std::string>>>);
        static_assert(std::is_same_v<decltype(error)::error_type, pollux::never>);
        auto item = assert_ready(poll_once(error));
        REQUIRE(item.has_value());
        CHECK(item->error() == "e");
        auto value = pollux::next(source);
        CHECK(assert_ready(poll_once(value))->value() == 5);
        auto end = pollux::next(source);
        CHECK_FALSE(assert_ready(poll_once(end)).has_value());
    }

    TEST_CASE("next: a drop while it is pending loses nothing") {
        bool is_open = false;
        auto source = pollux::poll_stream_fn([&is_open](pollux::context&) -> pollux::polled<std::optional<int>> {
            if (!is_open) return pollux::pending;
            return 1;
        });
        {
            auto dropped = pollux::next(source);
            assert_pending(poll_once(dropped));
        }
        is_open = true;
        auto fut = pollux::next(source);
        CHECK(assert_ready(poll_once(fut)) == 1);
    }

    TEST_CASE("next: a stream that is always ready yields when the budget of the poll is spent") {
        pollux::detail::poll_budget budget = pollux::test::budget_of(3);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker(), &budget);
        auto source = pollux::poll_stream_fn([](pollux::context&) -> pollux::polled<std::optional<int>> { return 1; });
        int items = 0;
        for (bool was_ready = true; was_ready && items < 1000;) {
            auto fut = pollux::next(source);
            was_ready = fut.poll(cx).is_ready();
            if (was_ready) ++items;
        }
        CHECK(items == 3);
        CHECK(waker.count() == 1);
    }

    TEST_CASE("next: leaves iterators to the standard library") {
        std::vector<pollux::boxed_future<int>> futures;
        futures.push_back(pollux::ready(1));
        CHECK(second_of(futures) == 1);
    }
}
