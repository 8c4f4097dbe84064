// SPDX-License-Identifier: MIT
#include "pollux/future/select.hpp"

#include <doctest/doctest.h>
#include <sys/select.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

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

// Of POSIX, where ours is in sight, too.
int select_no_descriptor() {
    using namespace pollux;
    timeval at_once{};
    return select(0, nullptr, nullptr, nullptr, &at_once);
}

}  // namespace

TEST_SUITE("future/select") {
    TEST_CASE("select: does not hide that of the system where both are in sight") {
        CHECK(select_no_descriptor() == 0);
    }

    TEST_CASE("select: gives the outcome of the first to finish, and destroys all before") {
        pollux::test::manual<std::unique_ptr<int>> first;
        pollux::test::manual<int, std::string> second;
        pollux::test::manual<void> third;
        auto fut = pollux::select(first.future(), second.future(), third.future());
        static_assert(
            std::is_same_v<decltype(fut)::value_type,
                           std::variant<std::unique_ptr<int>, std::expected<int, std::string>, pollux::unit>>);
        CHECK(first.polls() == 0);
        assert_pending(poll_once(fut));
        CHECK(third.polls() == 1);
        second.complete(std::unexpected("e"));
        auto winner = assert_ready(poll_once(fut));
        REQUIRE(winner.index() == 1);
        CHECK(std::get<1>(winner).error() == "e");
        CHECK_FALSE(first.is_alive());
        CHECK_FALSE(second.is_alive());
        CHECK_FALSE(third.is_alive());
        CHECK(third.polls() == 1);
    }

    TEST_CASE("select: the lowest index wins a tie") {
        auto fut = pollux::select(pollux::never_ready(), pollux::ready(1), pollux::ready(1));
        auto winner = assert_ready(poll_once(fut));
        CHECK(winner.index() == 1);
    }

    TEST_CASE("select: a future lent with by_ref lives on and can be selected again") {
        pollux::test::manual<int> lent;
        auto kept = lent.future();
        {
            auto fut = pollux::select(pollux::by_ref(kept), pollux::ready());
            CHECK(assert_ready(poll_once(fut)).index() == 1);
        }
        CHECK(lent.is_alive());
        CHECK(lent.polls() == 1);
        lent.complete(9);
        auto again = pollux::select(pollux::never_ready(), pollux::by_ref(kept));
        auto winner = assert_ready(poll_once(again));
        REQUIRE(winner.index() == 1);
        CHECK(std::get<1>(winner) == 9);
        CHECK(lent.is_alive());
    }

    TEST_CASE("select: an exception destroys the others and is thrown on") {
        pollux::test::manual<int> first;
        pollux::test::manual<int> second;
        auto fut = pollux::select(first.future(), second.future());
        assert_pending(poll_once(fut));
        first.complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        CHECK_FALSE(second.is_alive());
        CHECK(second.polls() == 1);
    }

    TEST_CASE("select: a drop while it is pending destroys all") {
        pollux::test::manual<int> first;
        {
            auto fut = pollux::select(first.future(), pollux::never_ready());
            assert_pending(poll_once(fut));
            CHECK(first.is_alive());
        }
        CHECK_FALSE(first.is_alive());
    }

    TEST_CASE("select: allocates nothing") {
        pollux::test::manual<int> first;
        auto child = first.future();
        const pollux::test::allocation_counter allocations;
        auto fut = pollux::select(std::move(child), pollux::never_ready());
        assert_pending(poll_once(fut));
        first.complete(1);
        CHECK(assert_ready(poll_once(fut)).index() == 0);
        CHECK(allocations.count() == 0);
    }

#ifndef NDEBUG
    TEST_CASE("select: a debug build stops with a message when it is polled after it was ready") {
        const auto message = pollux::test::message_of_second_poll(pollux::select(pollux::ready(1)));
        CHECK(message.starts_with("pollux: select: polled after it was ready; "));
    }
#endif
}
