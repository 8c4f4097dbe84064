// SPDX-License-Identifier: MIT
#include "pollux/future/map.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "pollux/coro/task.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/flatten.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"

namespace dialing {

// Names that the library has for functions of its own: they are found by argument where it does not say that it means its own.
struct dialer {
    int operator()(int n) const { return n; }
};
struct line {
    using value_type = int;
    using error_type = pollux::never;
    pollux::polled<int> poll(pollux::context&) { return 5; }
};
inline int call(dialer&, int) { return -1; }
inline int own(line&&) { return -1; }

}  // namespace dialing

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

struct plus_one {
    int operator()(int n) const { return n + 1; }
};

// A function without a state takes no room.
static_assert(sizeof(pollux::map(pollux::ready(1), plus_one{})) == sizeof(pollux::ready(1)));

}  // namespace

TEST_SUITE("future/map") {
    TEST_CASE("map: turns the value, once, when the future is ready") {
        pollux::test::manual<std::unique_ptr<int>, std::string> source;
        int calls = 0;
        auto fut = pollux::map(source.future(), [&calls](std::unique_ptr<int> n) {
            ++calls;
            return std::to_string(*n);
        });
        CHECK(source.polls() == 0);
        assert_pending(poll_once(fut));
        CHECK(calls == 0);
        source.complete(std::make_unique<int>(12));
        CHECK(assert_ready(poll_once(fut)) == "12");
        CHECK(calls == 1);
    }

    TEST_CASE("map: an error passes, and the function is not called") {
        auto fut =
            pollux::fail<int>(std::string("e")) | pollux::map([](int) -> int { throw std::logic_error("called"); });
        CHECK(assert_ready(poll_once(fut)).error() == "e");
    }

    TEST_CASE("map: is called with nothing for void, and may return void") {
        int calls = 0;
        auto fut = pollux::ready() | pollux::map([&calls] { ++calls; });
        static_assert(std::is_void_v<decltype(fut)::value_type>);
        CHECK(poll_once(fut).has_value());
        CHECK(calls == 1);
    }

    TEST_CASE("map: wakes the waker of the latest poll") {
        pollux::test::manual<> source;
        auto fut = source.future() | pollux::map([] { return 1; });
        pollux::testing::counting_waker first;
        pollux::testing::counting_waker second;
        pollux::context first_cx(first.waker());
        pollux::context second_cx(second.waker());
        assert_pending(fut.poll(first_cx));
        assert_pending(fut.poll(second_cx));
        source.complete(pollux::polled<>::ready());
        CHECK(first.count() == 0);
        CHECK(second.count() == 1);
        CHECK(assert_ready(fut.poll(second_cx)) == 1);
    }

    TEST_CASE("map: an lvalue is copied, a pipe can be used again") {
        const auto one = pollux::ready(1);
        const auto add = pollux::map([](int n) { return n + 1; });
        auto first = one | add;
        auto second = one | add | add;
        CHECK(assert_ready(poll_once(first)) == 2);
        CHECK(assert_ready(poll_once(second)) == 3);
    }

    TEST_CASE("map: takes a pointer to a member and a plain function") {
        auto size = pollux::ready(std::string("four")) | pollux::map(&std::string::size);
        CHECK(assert_ready(poll_once(size)) == 4);
        auto first = pollux::ready(std::pair(7, 'c')) | pollux::map(&std::pair<int, char>::first);
        CHECK(assert_ready(poll_once(first)) == 7);
        std::pair<int, char> referred(8, 'd');
        auto second = pollux::ready(std::ref(referred)) | pollux::map(&std::pair<int, char>::second);
        CHECK(assert_ready(poll_once(second)) == 'd');
        const std::string text = "five";
        auto length = pollux::ready(std::cref(text)) | pollux::map(&std::string::size);
        CHECK(assert_ready(poll_once(length)) == 4);
        auto shared_length = pollux::ready(std::make_shared<std::string>("six")) | pollux::map(&std::string::size);
        CHECK(assert_ready(poll_once(shared_length)) == 3);
        int (*const negate)(int) = [](int n) { return -n; };
        auto negated = pollux::ready(3) | pollux::map(negate);
        CHECK(assert_ready(poll_once(negated)) == -3);
    }

    TEST_CASE("map: calls the function, not another of a name that the library has for itself") {
        auto fut = pollux::boxed(dialing::line{}) | pollux::map(dialing::dialer{});
        CHECK(assert_ready(poll_once(fut)) == 5);
    }

    TEST_CASE("map: what the function throws comes out of the poll") {
        auto fut = pollux::ready(1) | pollux::map([](int) -> int { throw std::runtime_error("no"); });
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
    }

    TEST_CASE("map: the future is destroyed before the function is called, and if it is not called") {
        pollux::test::manual<int, std::string> source;
        source.complete(1);
        auto fut = source.future() | pollux::map([&source](int) { return source.is_alive(); });
        CHECK(assert_ready(poll_once(fut)) == false);
        pollux::test::manual<int, std::string> failing;
        failing.complete(pollux::polled<int, std::string>::failed("e"));
        auto uncalled = failing.future() | pollux::map([](int n) { return n; });
        CHECK(assert_ready(poll_once(uncalled)).error() == "e");
        CHECK_FALSE(failing.is_alive());
    }

#ifndef NDEBUG
    TEST_CASE("map: a debug build stops with a message when it is polled after the future was destroyed") {
        pollux::test::manual<int> source;
        source.complete(1);
        CHECK(pollux::test::message_of_second_poll(source.future() | pollux::map([](int n) { return n; }))
                  .starts_with("pollux: a future was polled after it was ready or its callable threw; "));
    }
#endif

    TEST_CASE("map: may be moved before its first poll, with what it holds") {
        pollux::test::manual<int> source;
        auto fut = source.future() | pollux::map([](int n) { return n; });
        {
            auto moved = std::move(fut);
            source.complete(1);
            CHECK(assert_ready(poll_once(moved)) == 1);
        }
        const std::string text(100, 'x');
        const auto chain = pollux::ready(text) | pollux::map([](std::string s) { return s.size(); });
        auto copy = chain;
        CHECK(assert_ready(poll_once(copy)) == 100);
    }

    TEST_CASE("map: allocates nothing") {
        const pollux::test::allocation_counter allocations;
        auto fut =
            pollux::ready(1) | pollux::map([](int n) { return n + 1; }) | pollux::map([](int n) { return n * 2; });
        CHECK(assert_ready(poll_once(fut)) == 4);
        CHECK(allocations.count() == 0);
    }

    TEST_CASE("map_err: turns the error and lets a value pass") {
        auto failing = pollux::fail<int>(3) | pollux::map_err([](int code) { return std::to_string(code); });
        CHECK(assert_ready(poll_once(failing)).error() == "3");
        auto succeeding = pollux::from_result(std::expected<void, int>()) | pollux::map_err([](int) { return 'c'; });
        CHECK(assert_ready(poll_once(succeeding)).has_value());
        auto infallible = pollux::ready(1) | pollux::map_err([](auto) { return 'c'; });
        CHECK(assert_ready(poll_once(infallible)) == 1);
    }

    // `x` was destroyed while the coroutine that it gave had still to read the capture.
    TEST_CASE("map: what gives a future stays, so it may be a map of a capturing lambda that is a coroutine") {
        const std::string text(60, 's');
        auto fut = pollux::ready(1) | pollux::map([text](int) -> pollux::task<std::string> { co_return text; }) |
                   pollux::map([](pollux::task<std::string> it) { return it; }) | pollux::flatten();
        CHECK(assert_ready(poll_once(fut)) == text);
    }
}
