// SPDX-License-Identifier: MIT
#include "pollux/future/select_all.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using job = pollux::test::manual<int, std::string>;

std::vector<job::future_type> futures_of(std::vector<job>& jobs) {
    std::vector<job::future_type> futures;
    for (auto& each : jobs) futures.push_back(each.future());
    return futures;
}

int polls_of(const std::vector<job>& jobs) {
    int polls = 0;
    for (const auto& each : jobs) polls += each.polls();
    return polls;
}

// Cannot be moved: it stays where it was made.
struct unmovable {
    using value_type = int;
    using error_type = pollux::never;
    unmovable() = default;
    unmovable(unmovable&&) = delete;
    pollux::polled<int> poll(pollux::context&) { return 1; }
};

}  // namespace

TEST_SUITE("future/select_all") {
    TEST_CASE("select_all: gives the first to finish, its index, and the others, which live on") {
        std::vector<job> jobs(3);
        auto fut = pollux::select_all(futures_of(jobs));
        static_assert(std::is_same_v<decltype(fut)::value_type, pollux::selected<job::future_type>>);
        static_assert(std::is_same_v<decltype(fut)::error_type, pollux::never>);
        CHECK(polls_of(jobs) == 0);
        assert_pending(poll_once(fut));
        jobs[1].complete(std::unexpected("one"));
        auto first = assert_ready(poll_once(fut));
        CHECK(first.index == 1);
        static_assert(std::is_same_v<decltype(first.value), std::expected<int, std::string>>);
        CHECK(first.value.error() == "one");
        CHECK_FALSE(jobs[1].is_alive());
        CHECK(jobs[0].is_alive());
        CHECK(first.rest.size() == 2);
        assert_pending(poll_once(first.rest));
        CHECK(polls_of(jobs) == 4);  // nobody has woken them
        jobs[2].complete(2);
        CHECK(assert_ready(poll_once(first.rest)).value() == 2);
        job more;
        first.rest.push(more.future());
        CHECK(first.rest.size() == 2);
    }

    TEST_CASE("select_all: the lowest index wins a tie, and the others keep their turn") {
        auto fut = pollux::select_all(std::vector{pollux::ready(4), pollux::ready(5), pollux::ready(6)});
        auto first = assert_ready(poll_once(fut));
        CHECK(first.index == 0);
        CHECK(first.value == 4);
        CHECK(assert_ready(poll_once(first.rest)) == 5);
        CHECK(assert_ready(poll_once(first.rest)) == 6);
        CHECK_FALSE(assert_ready(poll_once(first.rest)).has_value());
    }

    TEST_CASE(
        "select_all: a wake-up polls only the future that was woken; filling the rest wakes nobody who has his "
        "result") {
        std::vector<job> jobs(50);
        auto fut = pollux::select_all(futures_of(jobs));
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(fut.poll(cx));
        jobs[20].wake();
        assert_pending(fut.poll(cx));
        CHECK(polls_of(jobs) == 51);
        jobs[30].complete(30);
        CHECK(waker.count() == 2);
        auto first = assert_ready(fut.poll(cx));
        CHECK(first.index == 30);
        CHECK(polls_of(jobs) == 52);
        job more;
        first.rest.push(more.future());
        CHECK(waker.count() == 2);
    }

    TEST_CASE("select_all: an empty range is refused where it is written") {
        CHECK_THROWS_AS(static_cast<void>(pollux::select_all(std::vector<job::future_type>())), std::invalid_argument);
    }

    TEST_CASE("select_all: void gives unit; futures that a view makes need not be movable") {
        auto nothing = pollux::select_all(std::vector{pollux::ready()});
        static_assert(std::is_same_v<decltype(assert_ready(poll_once(nothing)).value), pollux::unit>);
        CHECK(assert_ready(poll_once(nothing)).index == 0);
        const std::vector<int> numbers{1, 2};
        auto fut = pollux::select_all(numbers | std::views::transform([](int) { return unmovable(); }));
        CHECK(assert_ready(poll_once(fut)).rest.size() == 1);
    }

    TEST_CASE("select_all: an exception destroys the others and is thrown on") {
        std::vector<job> jobs(2);
        auto fut = pollux::select_all(futures_of(jobs));
        assert_pending(poll_once(fut));
        jobs[0].complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        CHECK_FALSE(jobs[1].is_alive());
    }

    TEST_CASE("select_all: a drop destroys all; it may be moved after a poll") {
        std::vector<job> jobs(2);
        {
            auto fut = pollux::select_all(futures_of(jobs));
            assert_pending(poll_once(fut));
            auto moved = std::move(fut);
            jobs[0].wake();
            assert_pending(poll_once(moved));
            CHECK(jobs[0].polls() == 2);
        }
        CHECK_FALSE(jobs[0].is_alive());
        CHECK_FALSE(jobs[1].is_alive());
    }

    TEST_CASE("select_all: the budget ends a poll of many, and nobody is left out") {
        std::vector<job> jobs(6);
        auto fut = pollux::select_all(futures_of(jobs));
        pollux::testing::counting_waker waker;
        pollux::detail::poll_budget budget = pollux::test::budget_of(4);
        pollux::context cx(waker.waker(), &budget);
        assert_pending(fut.poll(cx));
        CHECK(polls_of(jobs) == 4);
        CHECK(waker.count() == 1);
        assert_pending(poll_once(fut));
        for (auto& each : jobs) CHECK(each.polls() == 1);
    }
}

TEST_SUITE("future/select_ok") {
    TEST_CASE("select_ok: gives the first value, drops who has failed, and hands the others back") {
        std::vector<job> jobs(3);
        auto fut = pollux::select_ok(futures_of(jobs));
        static_assert(std::is_same_v<decltype(fut)::value_type, pollux::selected<job::future_type>>);
        static_assert(std::is_same_v<decltype(fut)::error_type, std::string>);
        CHECK(polls_of(jobs) == 0);
        assert_pending(poll_once(fut));
        jobs[0].complete(std::unexpected("zero"));
        assert_pending(poll_once(fut));
        CHECK_FALSE(jobs[0].is_alive());
        jobs[2].complete(2);
        auto first = assert_ready(poll_once(fut)).value();
        CHECK(first.index == 2);
        CHECK(first.value == 2);
        CHECK(first.rest.size() == 1);
        jobs[1].complete(1);
        CHECK(assert_ready(poll_once(first.rest)).value() == 1);
    }

    TEST_CASE("select_ok: if all fail, the error is the last one") {
        std::vector<job> jobs(2);
        auto fut = pollux::select_ok(futures_of(jobs));
        assert_pending(poll_once(fut));
        jobs[1].complete(std::unexpected("one"));
        jobs[0].complete(std::unexpected("zero"));
        CHECK(assert_ready(poll_once(fut)).error() == "zero");
    }

    TEST_CASE("select_ok: an empty range is refused where it is written; an exception destroys the others") {
        CHECK_THROWS_AS(static_cast<void>(pollux::select_ok(std::vector<job::future_type>())), std::invalid_argument);
        std::vector<job> jobs(2);
        auto fut = pollux::select_ok(futures_of(jobs));
        assert_pending(poll_once(fut));
        jobs[1].complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        CHECK_FALSE(jobs[0].is_alive());
    }

    TEST_CASE("select_ok: a value may be only movable, void gives unit") {
        std::vector<pollux::boxed_future<std::unique_ptr<int>>> movables;
        movables.push_back(pollux::ready(std::make_unique<int>(4)));
        auto fut = pollux::select_ok(std::move(movables));
        CHECK(*assert_ready(poll_once(fut)).value == 4);
        auto nothing = pollux::select_ok(std::vector{pollux::ready()});
        static_assert(std::is_same_v<decltype(assert_ready(poll_once(nothing)).value), pollux::unit>);
        CHECK(assert_ready(poll_once(nothing)).index == 0);
    }
}
