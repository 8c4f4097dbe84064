// SPDX-License-Identifier: MIT
#include "pollux/sink/flush.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "pollux/sink/send.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/scripted_sink.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::test::message_of_second_poll;
using pollux::test::poll_with;
using pollux::test::scripted_sink;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("sink/flush") {
    TEST_CASE("flush: waits until what was sent is written, in both forms, and does not close") {
        scripted_sink<int> target;
        auto sink = target.sink();
        pollux::test::wake_counter waker;
        target.shut();
        {
            auto sending = pollux::send(sink, 1);
            assert_pending(poll_once(sending));
        }
        const int polls = target.flush_polls();
        auto called = pollux::flush(sink);
        CHECK(target.flush_polls() == polls);
        assert_pending(poll_with(called, waker));
        target.open();
        CHECK(waker.count() == 1);
        CHECK(poll_with(called, waker).has_value());
        CHECK(target.written() == std::vector<int>{1});
        auto piped = sink | pollux::flush();
        CHECK(poll_once(piped).has_value());
        CHECK_FALSE(target.is_closed());
    }

    TEST_CASE("close: flushes and closes, in both forms") {
        scripted_sink<int> target;
        auto sink = target.sink();
        target.shut();
        {
            auto sending = pollux::send(sink, 1);
            assert_pending(poll_once(sending));
        }
        auto called = pollux::close(sink);
        CHECK_FALSE(target.is_closed());
        assert_pending(poll_once(called));
        target.open();
        CHECK(poll_once(called).has_value());
        CHECK(target.written() == std::vector<int>{1});
        CHECK(target.is_closed());
        scripted_sink<int> owned;
        {
            auto piped = owned.sink() | pollux::close();
            CHECK(poll_once(piped).has_value());
        }
        CHECK(owned.is_closed());
        CHECK_FALSE(owned.is_alive());
    }

    TEST_CASE("flush, close: errors and exceptions of the sink come out") {
        scripted_sink<int, std::string> target;
        auto sink = target.sink();
        target.fail_next_poll("f");
        auto flushing = pollux::flush(sink);
        CHECK(assert_ready(poll_once(flushing)).error() == "f");
        target.fail_next_poll("c");
        auto closing = pollux::close(sink);
        CHECK(assert_ready(poll_once(closing)).error() == "c");
        target.throw_next_poll(std::runtime_error("sink"));
        auto throwing = pollux::close(sink);
        CHECK_THROWS_WITH(poll_once(throwing), "sink");
    }

#ifndef NDEBUG
    TEST_CASE("flush, close: a debug build stops with a message when it is polled after it was ready or threw") {
        scripted_sink<int> target;
        auto sink = target.sink();
        scripted_sink<int> failing;
        auto failing_sink = failing.sink();
        failing.throw_next_poll(std::runtime_error("sink"));
        CHECK(message_of_second_poll(pollux::flush(sink))
                  .starts_with("pollux: flush: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::close(sink))
                  .starts_with("pollux: close: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::flush(scripted_sink<int>().sink()))
                  .starts_with("pollux: flush: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::close(scripted_sink<int>().sink()))
                  .starts_with("pollux: close: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::flush(failing_sink))
                  .starts_with("pollux: flush: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::close(failing_sink))
                  .starts_with("pollux: close: polled after it was ready or threw; "));
    }
#endif
}
