// SPDX-License-Identifier: MIT
#include "pollux/future/join.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::test::message_of_second_poll;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("future/join") {
    TEST_CASE("join: finishes with the last of them and keeps the argument order") {
        pollux::test::manual<std::unique_ptr<int>> first;
        pollux::test::manual<void> second;
        pollux::test::manual<int, std::string> third;
        auto fut = pollux::join(first.future(), second.future(), third.future());
        static_assert(std::is_same_v<decltype(fut)::value_type,
                                     std::tuple<std::unique_ptr<int>, pollux::unit, std::expected<int, std::string>>>);
        static_assert(std::is_same_v<decltype(fut)::error_type, pollux::never>);
        CHECK(first.polls() == 0);
        assert_pending(poll_once(fut));
        CHECK(first.polls() + second.polls() + third.polls() == 3);
        third.complete(std::unexpected("e"));
        assert_pending(poll_once(fut));
        CHECK_FALSE(third.is_alive());
        CHECK(first.is_alive());
        second.complete(pollux::polled<>::ready());
        first.complete(std::make_unique<int>(7));
        auto outcomes = assert_ready(poll_once(fut));
        CHECK(*std::get<0>(outcomes) == 7);
        CHECK(std::get<2>(outcomes).error() == "e");
        CHECK(third.polls() == 2);  // not polled again after it was ready
    }

    TEST_CASE("join: an exception destroys the others and is thrown on") {
        pollux::test::manual<int> first;
        pollux::test::manual<int> second;
        pollux::test::manual<int> third;
        auto fut = pollux::join(first.future(), second.future(), third.future());
        assert_pending(poll_once(fut));
        first.complete(1);
        second.complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        CHECK_FALSE(first.is_alive());
        CHECK_FALSE(second.is_alive());
        CHECK_FALSE(third.is_alive());
        CHECK(third.polls() == 1);
    }

    TEST_CASE("join: a drop while it is pending destroys all") {
        pollux::test::manual<int> first;
        pollux::test::manual<int> second;
        {
            auto fut = pollux::join(first.future(), second.future());
            first.complete(1);
            assert_pending(poll_once(fut));
            CHECK(second.is_alive());
        }
        CHECK_FALSE(second.is_alive());
    }

    TEST_CASE("join: each child wakes the waker of the latest poll") {
        pollux::test::manual<int> first;
        pollux::test::manual<int> second;
        auto fut = pollux::join(first.future(), second.future());
        pollux::testing::counting_waker early;
        pollux::testing::counting_waker late;
        pollux::context early_cx(early.waker());
        pollux::context late_cx(late.waker());
        assert_pending(fut.poll(early_cx));
        assert_pending(fut.poll(late_cx));
        first.complete(1);
        second.complete(2);
        CHECK(early.count() == 0);
        CHECK(late.count() == 2);
        CHECK(assert_ready(fut.poll(late_cx)) == std::tuple(1, 2));
    }

    TEST_CASE("join: of one, of none, of the same type twice") {
        auto one = pollux::join(pollux::ready(1));
        CHECK(assert_ready(poll_once(one)) == std::tuple(1));
        auto none = pollux::join();
        CHECK(assert_ready(poll_once(none)) == std::tuple());
        const auto copied = pollux::ready(2);
        auto twice = pollux::join(copied, copied);
        CHECK(assert_ready(poll_once(twice)) == std::tuple(2, 2));
    }

    TEST_CASE("join: allocates nothing") {
        pollux::test::manual<int> first;
        auto child = first.future();
        const pollux::test::allocation_counter allocations;
        auto fut = pollux::join(std::move(child), pollux::ready(2), pollux::ready());
        assert_pending(poll_once(fut));
        first.complete(1);
        CHECK(std::get<0>(assert_ready(poll_once(fut))) == 1);
        CHECK(allocations.count() == 0);
    }

    TEST_CASE("join: is refused with a message when it is moved after its first poll") {
        auto fut = pollux::join(pollux::ready(1), pollux::never_ready());
        assert_pending(poll_once(fut));
        const auto message = pollux::test::message_of_abort([&] { auto moved = std::move(fut); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }

#ifndef NDEBUG
    TEST_CASE("join: a debug build stops with a message when it is polled after it was ready or threw") {
        const auto failing = [] {
            return pollux::poll_fn([](pollux::context&) -> pollux::polled<int> { throw std::runtime_error("child"); });
        };
        CHECK(message_of_second_poll(pollux::join(pollux::ready(1)))
                  .starts_with("pollux: join: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::join(pollux::never_ready(), failing()))
                  .starts_with("pollux: join: polled after it was ready or threw; "));
    }
#endif
}
