// SPDX-License-Identifier: MIT
#include "pollux/sink/forward.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/future/by_ref.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_stream.hpp"
#include "support/scripted_sink.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::test::manual_stream;
using pollux::test::message_of_second_poll;
using pollux::test::poll_with;
using pollux::test::scripted_sink;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using numbers = std::vector<int>;

}  // namespace

TEST_SUITE("sink/forward") {
    TEST_CASE("forward: sends the items and closes the sink at the end, in both forms; it owns both") {
        scripted_sink<int> target;
        manual_stream<int> source;
        {
            auto piped = source.stream() | pollux::forward(target.sink());
            static_assert(std::is_void_v<decltype(piped)::value_type>);
            for (int n : {1, 2}) source.give(n);
            source.end();
            CHECK(source.polls() == 0);
            CHECK(poll_once(piped).has_value());
            CHECK(target.written() == numbers{1, 2});
            CHECK(target.is_closed());
            CHECK(target.is_alive());
        }
        CHECK_FALSE(target.is_alive());
        CHECK_FALSE(source.is_alive());
        scripted_sink<long> other;
        auto called = pollux::forward(pollux::iter({3}), other.sink());
        CHECK(poll_once(called).has_value());
        CHECK(other.written() == std::vector<long>{3});
        CHECK(other.is_closed());
    }

    TEST_CASE("forward: flushes while the stream is pending; waits for the sink and for the close") {
        scripted_sink<int> target(2);
        manual_stream<int> source;
        pollux::test::wake_counter waker;
        auto fut = source.stream() | pollux::forward(target.sink());
        source.give(1);
        assert_pending(poll_with(fut, waker));
        CHECK(target.written() == numbers{1});
        target.shut();
        for (int n : {2, 3, 4}) source.give(n);
        source.end();
        assert_pending(poll_with(fut, waker));
        CHECK(target.held() == numbers{2, 3});
        target.open();
        target.shut();
        assert_pending(poll_with(fut, waker));
        const int woken = waker.count();
        target.open();
        CHECK(waker.count() == woken + 1);
        CHECK(poll_with(fut, waker).has_value());
        CHECK(target.written() == numbers{1, 2, 3, 4});
        CHECK(target.is_closed());
    }

    TEST_CASE("forward: while it waits for the close it does not ask the stream again") {
        scripted_sink<int> target(8);
        manual_stream<int> source;
        auto fut = source.stream() | pollux::forward(target.sink());
        source.give(1);
        source.end();
        target.shut();
        assert_pending(poll_once(fut));
        const int polls = source.polls();
        assert_pending(poll_once(fut));
        CHECK(source.polls() == polls);
        target.open();
        CHECK(poll_once(fut).has_value());
    }

    TEST_CASE("forward: an error of the stream or of the sink is the result, and the sink is not closed") {
        scripted_sink<int, std::string> target;
        auto sink = target.sink();
        manual_stream<int> source;
        auto failing_sink = source.stream() | pollux::forward(pollux::by_ref(sink));
        static_assert(std::is_same_v<decltype(failing_sink)::error_type, std::string>);
        source.give(1);
        target.fail_next_poll("sink");
        CHECK(assert_ready(poll_once(failing_sink)).error() == "sink");
        manual_stream<int, std::string> bad;
        auto failing_stream = bad.stream() | pollux::forward(pollux::by_ref(sink));
        bad.fail("stream");
        CHECK(assert_ready(poll_once(failing_stream)).error() == "stream");
        CHECK(target.close_polls() == 0);
    }

    TEST_CASE("forward: exceptions of both come out of the poll; items may be move-only") {
        scripted_sink<std::unique_ptr<int>> target;
        manual_stream<std::unique_ptr<int>> source;
        auto sink = target.sink();
        auto stream = source.stream();
        auto first = pollux::by_ref(stream) | pollux::forward(pollux::by_ref(sink));
        source.throw_next(std::runtime_error("stream"));
        CHECK_THROWS_WITH(poll_once(first), "stream");
        auto second = pollux::by_ref(stream) | pollux::forward(pollux::by_ref(sink));
        source.give(std::make_unique<int>(1));
        target.throw_next_poll(std::runtime_error("sink"));
        CHECK_THROWS_WITH(poll_once(second), "sink");
        auto third = pollux::by_ref(stream) | pollux::forward(pollux::by_ref(sink));
        source.give(std::make_unique<int>(2));
        source.end();
        CHECK(poll_once(third).has_value());
        REQUIRE(target.written().size() == 1);
        CHECK(*target.written()[0] == 2);
    }

    TEST_CASE("forward: dropped half way it destroys the item in hand, the stream and the sink") {
        scripted_sink<std::shared_ptr<int>> target;
        manual_stream<std::shared_ptr<int>> source;
        auto item = std::make_shared<int>(1);
        {
            auto fut = source.stream() | pollux::forward(target.sink());
            target.shut();
            source.give(nullptr);
            source.give(item);
            assert_pending(poll_once(fut));
            CHECK(item.use_count() == 2);
        }
        CHECK(item.use_count() == 1);
        CHECK_FALSE(source.is_alive());
        CHECK_FALSE(target.is_alive());
    }

    TEST_CASE("forward: with both always ready it yields when the budget is spent") {
        scripted_sink<int> target;
        pollux::testing::counting_waker waker;
        auto fut = pollux::iter({1, 2, 3, 4}) | pollux::forward(target.sink());
        assert_pending(pollux::test::poll_within(fut, 3, waker.waker()));
        CHECK(waker.count() == 1);
        CHECK_FALSE(target.is_closed());
        CHECK(poll_once(fut).has_value());
        CHECK(target.written() == numbers{1, 2, 3, 4});
    }

#ifndef NDEBUG
    TEST_CASE("forward: a debug build stops with a message when it is polled after it was ready or threw") {
        scripted_sink<int> target;
        scripted_sink<int> failing;
        failing.throw_next_poll(std::runtime_error("sink"));
        CHECK(message_of_second_poll(pollux::forward(pollux::iter({1, 2}), target.sink()))
                  .starts_with("pollux: forward: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::forward(pollux::iter({1}), failing.sink()))
                  .starts_with("pollux: forward: polled after it was ready or threw; "));
    }
#endif
}
