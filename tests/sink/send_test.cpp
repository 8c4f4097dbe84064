// SPDX-License-Identifier: MIT
#include "pollux/sink/send.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/scripted_sink.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::test::message_of_second_poll;
using pollux::test::poll_with;
using pollux::test::scripted_sink;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using numbers = std::vector<int>;

}  // namespace

TEST_SUITE("sink/send") {
    TEST_CASE("send: starts the item and flushes, in both forms, and nothing before the first poll") {
        scripted_sink<int> target;
        auto sink = target.sink();
        auto called = pollux::send(sink, 1);
        static_assert(std::is_void_v<decltype(called)::value_type>);
        static_assert(std::is_same_v<decltype(called)::error_type, pollux::never>);
        CHECK(target.ready_polls() == 0);
        CHECK(poll_once(called).has_value());
        CHECK(target.written() == numbers{1});
        CHECK(target.flush_polls() == 1);
        auto piped = sink | pollux::send(2);
        CHECK(poll_once(piped).has_value());
        CHECK(target.written() == numbers{1, 2});
        CHECK_FALSE(target.is_closed());
    }

    TEST_CASE("send: converts the value to the sink's item_type where it is made") {
        scripted_sink<std::string> target;
        auto sink = target.sink();
        std::string text = "abc";
        auto fut = pollux::send(sink, text.c_str());
        text = "xyz";
        CHECK(poll_once(fut).has_value());
        CHECK(target.written() == std::vector<std::string>{"abc"});
    }

    TEST_CASE("send: keeps the item until the sink is ready, then waits for the flush") {
        scripted_sink<std::unique_ptr<int>> target;
        auto sink = target.sink();
        target.shut();
        pollux::test::wake_counter waker;
        auto first = pollux::send(sink, std::make_unique<int>(1));
        assert_pending(poll_with(first, waker));
        CHECK(target.held().size() == 1);
        auto second = pollux::send(sink, std::make_unique<int>(2));
        assert_pending(poll_with(second, waker));
        assert_pending(poll_with(second, waker));
        CHECK(target.held().size() == 1);
        target.open();
        CHECK(waker.count() == 1);
        CHECK(poll_with(second, waker).has_value());
        REQUIRE(target.written().size() == 2);
        CHECK(*target.written()[1] == 2);
        CHECK(poll_with(first, waker).has_value());
    }

    TEST_CASE("send: dropped before the sink was ready, the item was never sent; later it stays in the sink") {
        scripted_sink<std::shared_ptr<int>> target;
        auto sink = target.sink();
        target.shut();
        auto sent = std::make_shared<int>(1);
        auto dropped = std::make_shared<int>(2);
        {
            auto fut = pollux::send(sink, sent);
            assert_pending(poll_once(fut));
        }
        CHECK(target.held().size() == 1);
        {
            auto fut = pollux::send(sink, dropped);
            assert_pending(poll_once(fut));
            CHECK(dropped.use_count() == 2);
        }
        CHECK(dropped.use_count() == 1);
        target.open();
        auto fut = pollux::send(sink, nullptr);
        CHECK(poll_once(fut).has_value());
        CHECK(target.written() == std::vector<std::shared_ptr<int>>{sent, nullptr});
    }

    TEST_CASE("send: an error of ready, of start and of flush is the result") {
        scripted_sink<int, std::string> target;
        auto sink = target.sink();
        target.fail_next_poll("ready");
        auto first = pollux::send(sink, 1);
        CHECK(assert_ready(poll_once(first)).error() == "ready");
        target.fail_next_start("start");
        auto second = pollux::send(sink, 2);
        CHECK(assert_ready(poll_once(second)).error() == "start");
        CHECK(target.flush_polls() == 0);
        target.shut();
        auto third = pollux::send(sink, 3);
        assert_pending(poll_once(third));
        target.fail_next_poll("flush");
        CHECK(assert_ready(poll_once(third)).error() == "flush");
        CHECK(target.held() == numbers{3});
    }

    TEST_CASE("send: an exception of the sink comes out of the poll") {
        scripted_sink<int> target;
        auto sink = target.sink();
        target.throw_next_poll(std::runtime_error("sink"));
        auto fut = pollux::send(sink, 1);
        CHECK_THROWS_WITH(poll_once(fut), "sink");
    }

    TEST_CASE("send: owns a temporary sink, and allocates nothing") {
        scripted_sink<int> target;
        {
            auto fut = pollux::send(target.sink(), 1);
            CHECK(target.is_alive());
            CHECK(poll_once(fut).has_value());
        }
        CHECK_FALSE(target.is_alive());
        scripted_sink<pollux::unit> bare(4);
        auto sink = bare.sink();
        bare.shut();
        auto fut = pollux::send(pollux::by_ref(sink), pollux::unit());
        const pollux::test::allocation_counter allocations;
        assert_pending(poll_once(fut));
        CHECK(allocations.count() == 1);  // that of the vector in the sink
    }

    TEST_CASE("send: a loop over a sink that is always ready yields when the budget is spent, and loses no item") {
        scripted_sink<int> target;
        auto sink = target.sink();
        pollux::testing::counting_waker waker;
        pollux::test::with_budget(3, waker.waker(), [&](pollux::context& cx) {
            for (int n = 0; n != 5; ++n) {
                auto fut = pollux::send(sink, n);
                if (fut.poll(cx).is_ready()) continue;
                CHECK(n == 3);
                CHECK(waker.count() == 1);
                CHECK(poll_once(fut).has_value());
                break;
            }
            return 0;
        });
        CHECK(target.written() == numbers{0, 1, 2, 3});
    }

#ifndef NDEBUG
    TEST_CASE("send: a debug build stops with a message when it is polled after it was ready or threw") {
        scripted_sink<int> target;
        auto sink = target.sink();
        scripted_sink<int> failing;
        auto failing_sink = failing.sink();
        failing.throw_next_poll(std::runtime_error("sink"));
        CHECK(message_of_second_poll(pollux::send(sink, 1))
                  .starts_with("pollux: send: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::send(scripted_sink<int>().sink(), 1))
                  .starts_with("pollux: send: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::send(failing_sink, 1))
                  .starts_with("pollux: send: polled after it was ready or threw; "));
    }
#endif
}
