// SPDX-License-Identifier: MIT
#include "pollux/stream/collect.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/future/by_ref.hpp"
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

}  // namespace

TEST_SUITE("stream/collect") {
    TEST_CASE("collect: gives the items in order in a vector, in both forms") {
        auto piped = pollux::iter({3, 1, 2}) | pollux::collect();
        static_assert(std::is_same_v<decltype(piped)::value_type, std::vector<int>>);
        CHECK(assert_ready(poll_once(piped)) == std::vector<int>{3, 1, 2});
        auto called = pollux::collect(pollux::iter(std::vector<int>()));
        CHECK(assert_ready(poll_once(called)).empty());
    }

    TEST_CASE("collect: fills the container that is named, in both forms") {
        auto set = pollux::iter({3, 1, 3}) | pollux::collect<std::set<int>>();
        CHECK(assert_ready(poll_once(set)) == std::set<int>{1, 3});
        auto deque = pollux::collect<std::deque<long>>(pollux::iter({3, 1}));
        CHECK(assert_ready(poll_once(deque)) == std::deque<long>{3, 1});
        auto text = pollux::iter(std::string("abc")) | pollux::collect<std::string>();
        CHECK(assert_ready(poll_once(text)) == "abc");
        auto map = pollux::iter({std::pair(1, 'a'), std::pair(2, 'b')}) | pollux::collect<std::map<int, char>>();
        CHECK(assert_ready(poll_once(map)) == std::map<int, char>{{1, 'a'}, {2, 'b'}});
        auto bits = pollux::iter(std::vector<bool>{true, false}) | pollux::collect();
        CHECK(assert_ready(poll_once(bits)) == std::vector<bool>{true, false});
    }

    TEST_CASE("collect: waits for items, move-only ones too") {
        pollux::test::manual_stream<std::unique_ptr<int>> source;
        pollux::testing::counting_waker waker;
        auto fut = source.stream() | pollux::collect();
        source.give(std::make_unique<int>(1));
        pollux::context cx(waker.waker());
        assert_pending(fut.poll(cx));
        source.give(std::make_unique<int>(2));
        CHECK(waker.count() == 1);
        source.end();
        auto items = assert_ready(fut.poll(cx));
        REQUIRE(items.size() == 2);
        CHECK(*items[0] == 1);
        CHECK(*items[1] == 2);
    }

    TEST_CASE("collect: at the first error what was gathered is destroyed, and the stream can go on") {
        pollux::test::manual_stream<pollux::test::mark, std::string> source;
        std::vector<std::string> log;
        auto marks = source.stream();
        source.give(pollux::test::mark(log, "first"));
        source.fail("e");
        source.give(pollux::test::mark(log, "second"));
        source.end();
        auto fut = pollux::by_ref(marks) | pollux::collect();
        auto result = assert_ready(poll_once(fut));
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error() == "e");
        CHECK(log == std::vector<std::string>{"first"});
        auto rest = pollux::by_ref(marks) | pollux::collect();
        CHECK(assert_ready(poll_once(rest)).value().size() == 1);
    }

    TEST_CASE("collect: dropped half way it destroys what was gathered") {
        pollux::test::manual_stream<pollux::test::mark> source;
        std::vector<std::string> log;
        source.give(pollux::test::mark(log, "item"));
        {
            auto fut = source.stream() | pollux::collect();
            assert_pending(poll_once(fut));
            CHECK(log.empty());
            CHECK(source.is_alive());
        }
        CHECK(log == std::vector<std::string>{"item"});
        CHECK_FALSE(source.is_alive());
    }

    TEST_CASE("collect: an exception of the stream comes out of the poll") {
        pollux::test::manual_stream<int> source;
        auto fut = source.stream() | pollux::collect();
        source.throw_next(std::runtime_error("stream"));
        CHECK_THROWS_WITH(poll_once(fut), "stream");
    }

    TEST_CASE("collect: over a stream that is always ready it yields when the budget is spent, and loses no item") {
        pollux::testing::counting_waker waker;
        int given = 0;
        auto fut = pollux::poll_stream_fn([&given](pollux::context&) -> pollux::polled<std::optional<int>> {
                       if (given == 5) return std::nullopt;
                       return ++given;
                   }) |
                   pollux::collect();
        assert_pending(pollux::test::poll_within(fut, 3, waker.waker()));
        CHECK(given == 3);
        CHECK(waker.count() == 1);
        CHECK(assert_ready(poll_once(fut)) == std::vector<int>{1, 2, 3, 4, 5});
    }

#ifndef NDEBUG
    TEST_CASE("collect: a debug build stops with a message when it is polled after it was ready or threw") {
        auto failing = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<int>> { throw std::runtime_error("stream"); });
        CHECK(message_of_second_poll(pollux::iter({1, 2}) | pollux::collect())
                  .starts_with("pollux: collect: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(failing | pollux::collect())
                  .starts_with("pollux: collect: polled after it was ready or threw; "));
    }
#endif
}
