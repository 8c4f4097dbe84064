// SPDX-License-Identifier: MIT
#include "pollux/sink/send_all.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/sink/send.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/testing/poll.hpp"
#include "support/drain.hpp"
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

TEST_SUITE("sink/send_all") {
    TEST_CASE("send_all: sends the items, flushes and does not close, in both forms") {
        scripted_sink<int> target(8);
        auto sink = target.sink();
        auto called = pollux::send_all(sink, pollux::iter({1, 2, 3}));
        static_assert(std::is_void_v<decltype(called)::value_type>);
        CHECK(target.ready_polls() == 0);
        CHECK(poll_once(called).has_value());
        CHECK(target.written() == numbers{1, 2, 3});
        CHECK(target.flush_polls() == 1);
        auto piped = sink | pollux::send_all(pollux::iter({4}));
        CHECK(poll_once(piped).has_value());
        CHECK(target.written() == numbers{1, 2, 3, 4});
        CHECK_FALSE(target.is_closed());
    }

    TEST_CASE("send_all: an lvalue stream is used where it is, in both forms") {
        scripted_sink<int, std::string> target;
        auto sink = target.sink();
        auto source = pollux::iter({1, 2, 3, 4});
        target.fail_next_start("refused");
        auto called = pollux::send_all(sink, source);
        CHECK(assert_ready(poll_once(called)).error() == "refused");
        target.fail_next_start("again");
        auto piped = sink | pollux::send_all(source);
        CHECK(assert_ready(poll_once(piped)).error() == "again");
        CHECK(pollux::test::drain(source) == numbers{3, 4});
    }

    TEST_CASE("send_all: flushes while the stream is pending, and is woken by it") {
        scripted_sink<int> target(8);
        manual_stream<int> source;
        auto sink = target.sink();
        pollux::test::wake_counter waker;
        auto fut = pollux::send_all(sink, source.stream());
        source.give(1);
        assert_pending(poll_with(fut, waker));
        CHECK(target.written() == numbers{1});
        source.give(2);
        CHECK(waker.count() == 1);
        assert_pending(poll_with(fut, waker));
        CHECK(target.written() == numbers{1, 2});
        source.end();
        CHECK(poll_with(fut, waker).has_value());
    }

    TEST_CASE("send_all: does not ask the sink before it has an item, and keeps at most one") {
        scripted_sink<int> target(1);
        manual_stream<int> source;
        auto sink = target.sink();
        pollux::test::wake_counter waker;
        auto fut = pollux::send_all(sink, source.stream());
        assert_pending(poll_with(fut, waker));
        CHECK(target.ready_polls() == 0);
        target.shut();
        for (int n : {1, 2, 3}) source.give(n);
        assert_pending(poll_with(fut, waker));
        assert_pending(poll_with(fut, waker));
        CHECK(target.held() == numbers{1});
        CHECK(source.left() == 1);
        source.end();
        const int woken = waker.count();
        target.open();
        CHECK(waker.count() == woken + 1);
        CHECK(poll_with(fut, waker).has_value());
        CHECK(target.written() == numbers{1, 2, 3});
    }

    TEST_CASE("send_all: the first error of the stream or of the sink is the result; the sink is used on") {
        scripted_sink<int, std::string> target(8);
        manual_stream<int, std::string> source;
        auto sink = target.sink();
        auto stream = source.stream();
        source.give(1);
        source.fail("stream");
        source.give(2);
        auto first = pollux::send_all(sink, stream);
        CHECK(assert_ready(poll_once(first)).error() == "stream");
        CHECK(target.held() == numbers{1});
        target.fail_next_poll("sink");
        auto second = pollux::send_all(sink, stream);
        CHECK(assert_ready(poll_once(second)).error() == "sink");
        target.shut();
        auto third = pollux::send_all(sink, stream);
        assert_pending(poll_once(third));
        target.fail_next_poll("flush");
        CHECK(assert_ready(poll_once(third)).error() == "flush");
        target.open();
        auto fourth = pollux::send(sink, 5);
        CHECK(poll_once(fourth).has_value());
        CHECK(target.written() == numbers{1, 5});
    }

    TEST_CASE("send_all: with both always ready it yields when the budget is spent, and loses no item") {
        scripted_sink<int> target;
        auto sink = target.sink();
        pollux::testing::counting_waker waker;
        int given = 0;
        auto fut = pollux::send_all(
            sink, pollux::poll_stream_fn([&given](pollux::context&) -> pollux::polled<std::optional<int>> {
                if (given == 5) return std::nullopt;
                return ++given;
            }));
        assert_pending(pollux::test::poll_within(fut, 3, waker.waker()));
        CHECK(given == 3);
        CHECK(waker.count() == 1);
        CHECK(poll_once(fut).has_value());
        CHECK(target.written() == numbers{1, 2, 3, 4, 5});
    }

#ifndef NDEBUG
    TEST_CASE("send_all: a debug build stops with a message when it is polled after it was ready or threw") {
        scripted_sink<int> target;
        auto sink = target.sink();
        scripted_sink<int> failing;
        auto failing_sink = failing.sink();
        failing.throw_next_poll(std::runtime_error("sink"));
        CHECK(message_of_second_poll(pollux::send_all(sink, pollux::iter({1, 2})))
                  .starts_with("pollux: send_all: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::send_all(failing_sink, pollux::iter({1})))
                  .starts_with("pollux: send_all: polled after it was ready or threw; "));
    }
#endif
}
