// SPDX-License-Identifier: MIT
#include "pollux/stream/count.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_stream.hpp"

namespace {

using pollux::test::message_of_second_poll;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

struct basket {};
int count(const basket&) { return 5; }

// With both namespaces open, what others call count stays theirs.
int threes_and_basket(const std::vector<int>& numbers) {
    using namespace std;
    using namespace pollux;
    basket full;
    return static_cast<int>(count(numbers.begin(), numbers.end(), 3)) + count(full);
}

}  // namespace

TEST_SUITE("stream/count") {
    TEST_CASE("count: gives the number of items, in both forms") {
        auto piped = pollux::iter({7, 7, 7}) | pollux::count();
        static_assert(std::is_same_v<decltype(piped)::value_type, std::size_t>);
        CHECK(assert_ready(poll_once(piped)) == 3);
        auto called = pollux::count(pollux::iter(std::vector<int>()));
        CHECK(assert_ready(poll_once(called)) == 0);
    }

    TEST_CASE("count: waits for items, and the first error is the result") {
        pollux::test::manual_stream<int, std::string> source;
        auto fut = source.stream() | pollux::count();
        CHECK(source.polls() == 0);
        source.give(1);
        assert_pending(poll_once(fut));
        source.give(2);
        source.fail("e");
        CHECK(assert_ready(poll_once(fut)).error() == "e");
    }

    TEST_CASE("count: over a stream that is always ready it yields when the budget is spent") {
        pollux::testing::counting_waker waker;
        int given = 0;
        auto fut = pollux::poll_stream_fn([&given](pollux::context&) -> pollux::polled<std::optional<int>> {
                       if (given == 4) return std::nullopt;
                       return ++given;
                   }) |
                   pollux::count();
        assert_pending(pollux::test::poll_within(fut, 3, waker.waker()));
        CHECK(given == 3);
        CHECK(waker.count() == 1);
        CHECK(assert_ready(poll_once(fut)) == 4);
    }

    TEST_CASE("count: leaves the standard library's and others to them") { CHECK(threes_and_basket({3, 3, 4}) == 7); }

#ifndef NDEBUG
    TEST_CASE("count: a debug build stops with a message when it is polled after it was ready or threw") {
        auto failing = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<int>> { throw std::runtime_error("stream"); });
        CHECK(message_of_second_poll(pollux::iter({1, 2}) | pollux::count())
                  .starts_with("pollux: count: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(failing | pollux::count())
                  .starts_with("pollux: count: polled after it was ready or threw; "));
    }
#endif
}
