// SPDX-License-Identifier: MIT
#include "pollux/future/race.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "pollux/future/by_ref.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("future/race") {
    TEST_CASE("race: gives the value of the first to finish, and destroys all before") {
        pollux::test::manual<std::unique_ptr<int>> first;
        pollux::test::manual<std::unique_ptr<int>, std::string> second;
        auto fut = pollux::race(first.future(), second.future());
        static_assert(std::is_same_v<decltype(fut)::value_type, std::unique_ptr<int>>);
        static_assert(std::is_same_v<decltype(fut)::error_type, std::string>);
        CHECK(first.polls() == 0);
        assert_pending(poll_once(fut));
        second.complete(std::make_unique<int>(2));
        CHECK(**assert_ready(poll_once(fut)) == 2);
        CHECK_FALSE(first.is_alive());
        CHECK_FALSE(second.is_alive());
    }

    TEST_CASE("race: an error can win, the lowest index wins a tie, and the others are not polled") {
        pollux::test::manual<int> last;
        auto fut =
            pollux::race(pollux::never_ready<int>(), pollux::fail(std::string("e")), pollux::ready(1), last.future());
        CHECK(assert_ready(poll_once(fut)).error() == "e");
        CHECK(last.polls() == 0);
        CHECK_FALSE(last.is_alive());
    }

    TEST_CASE("race: void is a value") {
        auto fut = pollux::race(pollux::never_ready(), pollux::ready());
        static_assert(std::is_void_v<decltype(fut)::value_type>);
        CHECK(poll_once(fut).has_value());
    }

    TEST_CASE("race: a future lent with by_ref lives on") {
        pollux::test::manual<int> lent;
        auto kept = lent.future();
        {
            auto fut = pollux::race(pollux::by_ref(kept), pollux::ready(1));
            CHECK(assert_ready(poll_once(fut)) == 1);
        }
        CHECK(lent.is_alive());
    }

    TEST_CASE("race: an exception destroys the others and is thrown on") {
        pollux::test::manual<int> first;
        pollux::test::manual<int> second;
        auto fut = pollux::race(first.future(), second.future());
        assert_pending(poll_once(fut));
        second.complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        CHECK_FALSE(first.is_alive());
    }

    TEST_CASE("race: a drop while it is pending destroys all; it allocates nothing") {
        pollux::test::manual<int> first;
        auto child = first.future();
        const pollux::test::allocation_counter allocations;
        {
            auto fut = pollux::race(std::move(child), pollux::never_ready<int>());
            assert_pending(poll_once(fut));
            CHECK(first.is_alive());
        }
        CHECK_FALSE(first.is_alive());
        CHECK(allocations.count() == 0);
    }

#ifndef NDEBUG
    TEST_CASE("race: a debug build stops with a message when it is polled after it was ready") {
        const auto message = pollux::test::message_of_second_poll(pollux::race(pollux::ready(1)));
        CHECK(message.starts_with("pollux: race: polled after it was ready; "));
    }
#endif
}
