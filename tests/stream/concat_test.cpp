// SPDX-License-Identifier: MIT
#include "pollux/stream/concat.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

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

}  // namespace

TEST_SUITE("stream/concat") {
    TEST_CASE("concat: joins strings, in both forms") {
        auto piped = pollux::iter({std::string("ab"), std::string(), std::string("c")}) | pollux::concat();
        static_assert(std::is_same_v<decltype(piped)::value_type, std::string>);
        CHECK(assert_ready(poll_once(piped)) == "abc");
        auto called = pollux::concat(pollux::iter({std::string("x"), std::string("y")}));
        CHECK(assert_ready(poll_once(called)) == "xy");
    }

    TEST_CASE("concat: joins containers, with move-only elements too") {
        std::vector<std::vector<std::unique_ptr<int>>> parts(3);
        parts[0].push_back(std::make_unique<int>(1));
        parts[2].push_back(std::make_unique<int>(2));
        auto fut = pollux::iter(std::move(parts)) | pollux::concat();
        auto joined = assert_ready(poll_once(fut));
        REQUIRE(joined.size() == 2);
        CHECK(*joined[0] == 1);
        CHECK(*joined[1] == 2);
        auto sets = pollux::iter({std::set{3, 1}, std::set{2, 3}}) | pollux::concat();
        CHECK(assert_ready(poll_once(sets)) == std::set{1, 2, 3});
    }

    TEST_CASE("concat: of nothing is an empty one") {
        auto fut = pollux::iter(std::vector<std::string>()) | pollux::concat();
        CHECK(assert_ready(poll_once(fut)).empty());
    }

    TEST_CASE("concat: waits for items, and the first error is the result") {
        pollux::test::manual_stream<std::string, int> source;
        auto fut = source.stream() | pollux::concat();
        CHECK(source.polls() == 0);
        source.give("a");
        assert_pending(poll_once(fut));
        source.fail(3);
        CHECK(assert_ready(poll_once(fut)).error() == 3);
    }

    TEST_CASE("concat: over a stream that is always ready it yields when the budget is spent, and loses nothing") {
        pollux::testing::counting_waker waker;
        int given = 0;
        auto fut = pollux::poll_stream_fn([&given](pollux::context&) -> pollux::polled<std::optional<std::string>> {
                       if (given == 4) return std::nullopt;
                       return std::to_string(++given);
                   }) |
                   pollux::concat();
        assert_pending(pollux::test::poll_within(fut, 3, waker.waker()));
        CHECK(waker.count() == 1);
        CHECK(assert_ready(poll_once(fut)) == "1234");
    }

#ifndef NDEBUG
    TEST_CASE("concat: a debug build stops with a message when it is polled after it was ready or threw") {
        auto failing = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<std::string>> { throw std::runtime_error("stream"); });
        CHECK(message_of_second_poll(pollux::iter({std::string("a")}) | pollux::concat())
                  .starts_with("pollux: concat: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(failing | pollux::concat())
                  .starts_with("pollux: concat: polled after it was ready or threw; "));
    }
#endif
}
