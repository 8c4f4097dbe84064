// SPDX-License-Identifier: MIT
#include "pollux/sink/with.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/sink/flush.hpp"
#include "pollux/sink/send.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"
#include "support/scripted_sink.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::test::poll_with;
using pollux::test::scripted_sink;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using words = std::vector<std::string>;

}  // namespace

TEST_SUITE("sink/with") {
    TEST_CASE("with: turns each item before it goes to the sink, in both forms") {
        scripted_sink<std::string> target;
        auto sink = target.sink();
        auto piped = pollux::by_ref(sink) | pollux::with<int>([](int n) { return std::to_string(n); });
        static_assert(pollux::sink<decltype(piped), int>);
        static_assert(std::is_same_v<decltype(piped)::item_type, int>);
        auto first = pollux::send(piped, 1);
        CHECK(target.ready_polls() == 0);
        CHECK(poll_once(first).has_value());
        auto called = pollux::with<std::unique_ptr<int>>(pollux::by_ref(sink),
                                                         [](std::unique_ptr<int> n) { return std::to_string(*n); });
        auto second = pollux::send(called, std::make_unique<int>(2));
        CHECK(poll_once(second).has_value());
        CHECK(target.written() == words{"1", "2"});
        auto closing = pollux::close(called);
        CHECK(poll_once(closing).has_value());
        CHECK(target.is_closed());
    }

    TEST_CASE("with: one future is in flight; the sink is ready again when its item has gone on") {
        scripted_sink<int> target;
        std::vector<pollux::test::manual<int>> steps(2);
        auto sink = target.sink() | pollux::with<std::size_t>([&steps](std::size_t n) { return steps[n].future(); });
        static_assert(pollux::sink<decltype(sink), std::size_t>);
        pollux::test::wake_counter waker;
        auto first = pollux::send(sink, std::size_t(0));
        assert_pending(poll_with(first, waker));
        CHECK(steps[0].polls() == 1);
        auto second = pollux::send(sink, std::size_t(1));
        assert_pending(poll_with(second, waker));
        CHECK(steps[1].polls() == 0);
        steps[0].complete(10);
        CHECK(waker.count() == 1);
        assert_pending(poll_with(second, waker));
        CHECK_FALSE(steps[0].is_alive());
        CHECK(steps[1].polls() == 1);
        CHECK(target.written().size() + target.held().size() == 1);
        steps[1].complete(20);
        CHECK(poll_with(second, waker).has_value());
        CHECK(target.written() == std::vector<int>{10, 20});
        CHECK(poll_with(first, waker).has_value());
    }

    TEST_CASE("with: an item whose future is ready waits for the sink") {
        scripted_sink<int> target(1);
        auto sink = target.sink() | pollux::with<int>([](int n) { return pollux::ready(n); });
        target.shut();
        auto first = pollux::send(sink, 1);
        assert_pending(poll_once(first));
        CHECK(target.held() == std::vector<int>{1});
        auto second = pollux::send(sink, 2);
        assert_pending(poll_once(second));
        target.open();
        CHECK(poll_once(second).has_value());
        auto closing = pollux::close(sink);
        CHECK(poll_once(closing).has_value());
        CHECK(target.written() == std::vector<int>{1, 2});
        CHECK(target.is_closed());
    }

    TEST_CASE("with: an error of a future comes out of the poll, meets never, and the sink goes on") {
        scripted_sink<int> target;
        auto sink = target.sink() | pollux::with<int>([](int n) -> std::expected<int, std::string> {
                        if (n == 1) return std::unexpected("one");
                        return n;
                    });
        static_assert(std::is_same_v<decltype(sink)::error_type, std::string>);
        auto first = pollux::send(sink, 1);
        CHECK(assert_ready(poll_once(first)).error() == "one");
        auto second = pollux::send(sink, 2);
        CHECK(assert_ready(poll_once(second)).has_value());
        CHECK(target.written() == std::vector<int>{2});
    }

    TEST_CASE("with: errors of the sink come out, of start_send too") {
        scripted_sink<int, std::string> target;
        auto plain = target.sink() | pollux::with<int>([](int n) { return n; });
        target.fail_next_start("start");
        auto first = pollux::send(plain, 1);
        CHECK(assert_ready(poll_once(first)).error() == "start");
        scripted_sink<int, std::string> other;
        auto stepped = other.sink() | pollux::with<int>([](int n) { return pollux::ready(n); });
        other.fail_next_start("later");
        auto second = pollux::send(stepped, 1);
        CHECK(assert_ready(poll_once(second)).error() == "later");
    }

    TEST_CASE("with: exceptions of the function and of its future come out") {
        scripted_sink<int> target;
        auto sink = target.sink();
        auto thrower = pollux::by_ref(sink) | pollux::with<int>([](int) -> int { throw std::runtime_error("fn"); });
        auto first = pollux::send(thrower, 1);
        CHECK_THROWS_WITH(poll_once(first), "fn");
        pollux::test::manual<int> step;
        auto stepped = pollux::by_ref(sink) | pollux::with<int>([&step](int) { return step.future(); });
        auto second = pollux::send(stepped, 1);
        assert_pending(poll_once(second));
        step.complete_by_throwing(std::runtime_error("step"));
        CHECK_THROWS_WITH(poll_once(second), "step");
    }

    TEST_CASE("with: destroyed in flight, it destroys the future, the sink, then the function") {
        scripted_sink<int> target;
        std::vector<std::string> log;
        bool was_alive = false;
        {
            auto sink = target.sink() | pollux::with<int>([&log, kept = pollux::test::mark(log, "function")](int) {
                            return pollux::test::marked_future(pollux::test::mark(log, "step"), 9, 1);
                        });
            auto fut = pollux::send(sink, 1);
            assert_pending(poll_once(fut));
            was_alive = target.is_alive();
        }
        CHECK(was_alive);
        CHECK(log == std::vector<std::string>{"step", "function"});
        CHECK_FALSE(target.is_alive());
    }

    TEST_CASE("with: a capturing lambda may be a coroutine") {
        scripted_sink<std::string> target;
        auto sink = target.sink() |
                    pollux::with<int>([prefix = std::string("item number ")](int n) -> pollux::task<std::string> {
                        co_await pollux::ready();
                        co_return prefix + std::to_string(n);
                    });
        pollux::block_on(pollux::send(sink, 4));
        CHECK(target.written() == words{"item number 4"});
    }

    TEST_CASE("with: moved with a future in flight, it ends the program with a message") {
        scripted_sink<int> target;
        pollux::test::manual<int> step;
        auto sink = target.sink() | pollux::with<int>([&step](int) { return step.future(); });
        auto fut = pollux::send(sink, 1);
        assert_pending(poll_once(fut));
        const auto message = pollux::test::message_of_abort([&sink] { auto moved = std::move(sink); });
        CHECK(message.find("moved or copied after its first poll") != std::string::npos);
    }

    // The future that threw was polled again by whoever used the sink next.
    TEST_CASE("with: after an exception of a future its item is lost, the future destroyed, and the sink goes on") {
        scripted_sink<int> target;
        std::vector<pollux::test::manual<int>> steps(2);
        auto sink = target.sink() | pollux::with<std::size_t>([&steps](std::size_t n) { return steps[n].future(); });
        auto first = pollux::send(sink, std::size_t(0));
        assert_pending(poll_once(first));
        steps[0].complete_by_throwing(std::runtime_error("step"));
        CHECK_THROWS_WITH(poll_once(first), "step");
        CHECK_FALSE(steps[0].is_alive());
        steps[1].complete(20);
        auto second = pollux::send(sink, std::size_t(1));
        CHECK(poll_once(second).has_value());
        CHECK(steps[0].polls() == 2);
        CHECK(target.written() == std::vector<int>{20});
    }
}
