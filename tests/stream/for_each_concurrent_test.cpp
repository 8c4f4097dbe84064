// SPDX-License-Identifier: MIT
#include "pollux/stream/for_each_concurrent.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/stream/repeat.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::test::message_of_second_poll;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using job = pollux::test::manual<void, std::string>;

auto indices(std::size_t n) {
    std::vector<std::size_t> numbers(n);
    for (std::size_t i = 0; i != n; ++i) numbers[i] = i;
    return pollux::iter(std::move(numbers));
}

}  // namespace

TEST_SUITE("stream/for_each_concurrent") {
    TEST_CASE("for_each_concurrent: runs n at a time, and is ready when all have finished") {
        std::vector<job> jobs(3);
        auto fut = pollux::for_each_concurrent(indices(3), 2, [&jobs](std::size_t i) { return jobs[i].future(); });
        static_assert(std::is_same_v<decltype(fut)::value_type, void>);
        static_assert(std::is_same_v<decltype(fut)::error_type, std::string>);
        CHECK(jobs[0].polls() == 0);
        assert_pending(poll_once(fut));
        CHECK(jobs[1].polls() == 1);
        CHECK(jobs[2].polls() == 0);
        jobs[1].complete(pollux::polled<>::ready());
        assert_pending(poll_once(fut));
        CHECK_FALSE(jobs[1].is_alive());
        CHECK(jobs[2].polls() == 1);  // in the same poll: there was room again
        CHECK(jobs[0].polls() == 1);
        jobs[0].complete(pollux::polled<>::ready());
        jobs[2].complete(pollux::polled<>::ready());
        CHECK(assert_ready(poll_once(fut)).has_value());
    }

    TEST_CASE("for_each_concurrent: zero is no limit") {
        std::vector<job> jobs(100);
        auto fut = indices(100) | pollux::for_each_concurrent(0, [&jobs](std::size_t i) { return jobs[i].future(); });
        assert_pending(poll_once(fut));
        for (auto& each : jobs) CHECK(each.polls() == 1);
    }

    TEST_CASE("for_each_concurrent: a wake-up polls only the future that was woken") {
        std::vector<job> jobs(100);
        auto fut = indices(100) | pollux::for_each_concurrent(0, [&jobs](std::size_t i) { return jobs[i].future(); });
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(fut.poll(cx));
        jobs[31].complete(pollux::polled<>::ready());
        CHECK(waker.count() == 1);
        assert_pending(fut.poll(cx));
        int polls = 0;
        for (auto& each : jobs) polls += each.polls();
        CHECK(polls == 101);
    }

    TEST_CASE("for_each_concurrent: the first error of a future destroys the others and is handed out") {
        std::vector<job> jobs(4);
        auto fut = indices(4) | pollux::for_each_concurrent(3, [&jobs](std::size_t i) { return jobs[i].future(); });
        assert_pending(poll_once(fut));
        jobs[2].complete(std::unexpected("two"));
        CHECK(assert_ready(poll_once(fut)).error() == "two");
        CHECK_FALSE(jobs[0].is_alive());
        CHECK_FALSE(jobs[1].is_alive());
        CHECK(jobs[3].polls() == 0);
    }

    TEST_CASE("for_each_concurrent: an error of the source destroys the futures in flight") {
        job only;
        int polls = 0;
        auto source =
            pollux::poll_stream_fn([&polls](pollux::context&) -> pollux::polled<std::optional<int>, std::string> {
                if (++polls == 1) return std::optional(1);
                if (polls == 2) return pollux::pending;
                return std::unexpected("source");
            });
        auto fut = pollux::for_each_concurrent(std::move(source), 3, [&only](int) { return only.future(); });
        assert_pending(poll_once(fut));
        CHECK(only.polls() == 1);
        CHECK(assert_ready(poll_once(fut)).error() == "source");
        CHECK_FALSE(only.is_alive());
    }

    TEST_CASE("for_each_concurrent: the callable may return nothing, and gets the item moved in") {
        std::vector<std::unique_ptr<int>> items;
        items.push_back(std::make_unique<int>(3));
        items.push_back(std::make_unique<int>(4));
        int sum = 0;
        auto fut = pollux::iter(std::move(items)) |
                   pollux::for_each_concurrent(1, [&sum](std::unique_ptr<int> item) { sum += *item; });
        static_assert(std::is_same_v<decltype(fut)::error_type, pollux::never>);
        assert_ready(poll_once(fut));
        CHECK(sum == 7);
    }

    TEST_CASE("for_each_concurrent: an exception of the callable or of a future destroys the others and is thrown on") {
        std::vector<job> jobs(2);
        auto fut = indices(2) | pollux::for_each_concurrent(0, [&jobs](std::size_t i) { return jobs[i].future(); });
        assert_pending(poll_once(fut));
        jobs[1].complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        CHECK_FALSE(jobs[0].is_alive());
        job first;
        auto other = indices(2) | pollux::for_each_concurrent(0, [&first](std::size_t i) {
                         if (i == 1) throw std::runtime_error("no");
                         return first.future();
                     });
        CHECK_THROWS_AS(poll_once(other), std::runtime_error);
        CHECK_FALSE(first.is_alive());
    }

    TEST_CASE("for_each_concurrent: a source that is always ready does not keep the futures from being polled") {
        int taken = 0;
        auto fut = pollux::repeat(1) | pollux::for_each_concurrent(0, [&taken](int) -> std::expected<void, int> {
                       if (++taken == 10) return std::unexpected(taken);
                       return {};
                   });
        CHECK(assert_ready(poll_once(fut)).error() == 10);
        CHECK(taken == 10);
    }

    TEST_CASE("for_each_concurrent: a drop destroys the futures in flight, then the source, then the callable") {
        std::vector<std::string> log;
        {
            auto source = pollux::poll_stream_fn([kept = pollux::test::mark(log, "source")](pollux::context&) {
                return pollux::polled<std::optional<int>>(std::optional(1));
            });
            auto fut = pollux::for_each_concurrent(
                std::move(source), 2, [&log, kept = pollux::test::mark(log, "callable")](int) {
                    return pollux::test::marked_future(pollux::test::mark(log, "future"), 1000, 1);
                });
            assert_pending(poll_once(fut));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "future", "source", "callable"});
    }

    TEST_CASE(
        "for_each_concurrent: a source without end yields when the budget of the poll is spent, and loses nothing") {
        pollux::detail::poll_budget budget;
        int taken = 0;
        int called = 0;
        auto fut = pollux::poll_stream_fn([&taken](pollux::context&) {
                       ++taken;
                       return pollux::polled<std::optional<int>>(taken);
                   }) |
                   pollux::for_each_concurrent(3, [&called](int n) {
                       ++called;
                       CHECK(n == called);
                   });
        pollux::testing::counting_waker waker;
        for (int round = 1; round <= 3; ++round) {
            budget.is_limited = true;
            budget.chunk_left = 20;
            pollux::context cx(waker.waker(), &budget);
            assert_pending(fut.poll(cx));
            CHECK(called == taken);
            CHECK(called >= 9 * round);
            CHECK(called <= 20 * round);
            CHECK(waker.count() >= static_cast<std::size_t>(round));
        }
    }

    TEST_CASE("for_each_concurrent: may be moved before its first poll, and is refused with a message after it") {
        job only;
        auto fut = indices(1) | pollux::for_each_concurrent(1, [&only](std::size_t) { return only.future(); });
        auto moved = std::move(fut);
        assert_pending(poll_once(moved));
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(moved); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }

#ifndef NDEBUG
    TEST_CASE("for_each_concurrent: a debug build stops with a message when it is polled after it was ready or threw") {
        auto failing = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<int>> { throw std::runtime_error("stream"); });
        CHECK(message_of_second_poll(pollux::iter({1, 2}) |
                                     pollux::for_each_concurrent(2, [](int) { return pollux::ready(); }))
                  .starts_with("pollux: for_each_concurrent: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::iter({1}) |
                                     pollux::for_each_concurrent(2, [](int) { return pollux::fail(1); }))
                  .starts_with("pollux: for_each_concurrent: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(failing | pollux::for_each_concurrent(2, [](int) {}))
                  .starts_with("pollux: for_each_concurrent: polled after it was ready or threw; "));
    }
#endif
}
