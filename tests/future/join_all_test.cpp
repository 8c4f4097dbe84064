// SPDX-License-Identifier: MIT
#include "pollux/future/join_all.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <expected>
#include <list>
#include <memory>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/lazy.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::test::message_of_second_poll;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using job = pollux::test::manual<int, std::string>;

std::vector<job::future_type> futures_of(std::vector<job>& jobs) {
    std::vector<job::future_type> futures;
    for (auto& each : jobs) futures.push_back(each.future());
    return futures;
}

// Of a type that cannot be changed: its ends are functions beside it.
struct shelf {
    std::vector<pollux::boxed_future<int>> rows;

    friend auto begin(shelf& from) { return from.rows.begin(); }
    friend auto end(shelf& from) { return from.rows.end(); }
    [[maybe_unused]] friend auto begin(const shelf& from) { return from.rows.begin(); }
    [[maybe_unused]] friend auto end(const shelf& from) { return from.rows.end(); }
};

int polls_of(const std::vector<job>& jobs) {
    int polls = 0;
    for (const auto& each : jobs) polls += each.polls();
    return polls;
}

}  // namespace

TEST_SUITE("future/join_all") {
    TEST_CASE("join_all: gives all outcomes in the order of the range, errors among them") {
        std::vector<job> jobs(3);
        auto fut = pollux::join_all(futures_of(jobs));
        using outcome = std::expected<int, std::string>;
        static_assert(std::is_same_v<decltype(fut)::value_type, std::vector<outcome>>);
        static_assert(std::is_same_v<decltype(fut)::error_type, pollux::never>);
        CHECK(polls_of(jobs) == 0);
        assert_pending(poll_once(fut));
        jobs[2].complete(2);
        jobs[0].complete(std::unexpected("zero"));
        assert_pending(poll_once(fut));
        CHECK_FALSE(jobs[0].is_alive());
        CHECK(jobs[1].is_alive());
        CHECK_FALSE(jobs[2].is_alive());
        jobs[1].complete(1);
        const bool same = assert_ready(poll_once(fut)) == std::vector<outcome>{std::unexpected("zero"), 1, 2};
        CHECK(same);
    }

    TEST_CASE("join_all: takes whatever a range for does, with begin and end beside the type too") {
        shelf two;
        for (int i = 1; i <= 2; ++i) two.rows.emplace_back(pollux::ready(i));
        auto fut = pollux::join_all(std::move(two));
        CHECK(assert_ready(poll_once(fut)) == std::vector<int>{1, 2});
    }

    TEST_CASE("join_all: of nothing is ready at the first poll") {
        auto fut = pollux::join_all(std::vector<job::future_type>());
        CHECK(assert_ready(poll_once(fut)).empty());
    }

    TEST_CASE("join_all: a wake-up polls only the future that was woken") {
        std::vector<job> jobs(100);
        auto fut = pollux::join_all(futures_of(jobs));
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(fut.poll(cx));
        CHECK(polls_of(jobs) == 100);
        jobs[57].complete(57);
        CHECK(waker.count() == 1);
        assert_pending(fut.poll(cx));
        CHECK(polls_of(jobs) == 101);
        jobs[3].wake();
        assert_pending(fut.poll(cx));
        CHECK(polls_of(jobs) == 102);
    }

    TEST_CASE("join_all: void gives unit, a value may be only movable") {
        std::vector<decltype(pollux::ready())> nothings(3, pollux::ready());
        auto fut = pollux::join_all(std::move(nothings));
        static_assert(std::is_same_v<decltype(fut)::value_type, std::vector<pollux::unit>>);
        CHECK(assert_ready(poll_once(fut)).size() == 3);
        std::vector<pollux::boxed_future<std::unique_ptr<int>>> movables;
        movables.push_back(pollux::ready(std::make_unique<int>(4)));
        auto movable = pollux::join_all(std::move(movables));
        CHECK(*assert_ready(poll_once(movable)).at(0) == 4);
    }

    TEST_CASE("join_all: takes lists, arrays, views that make futures and views that do not know their size") {
        std::list<decltype(pollux::ready(1))> list{pollux::ready(1), pollux::ready(2)};
        auto from_list = pollux::join_all(list);  // copied
        CHECK(list.size() == 2);
        CHECK(assert_ready(poll_once(from_list)) == std::vector<int>{1, 2});
        auto from_array = pollux::join_all(std::array{pollux::ready(3), pollux::ready(4)});
        CHECK(assert_ready(poll_once(from_array)) == std::vector<int>{3, 4});
        const std::vector<int> numbers{1, 2, 3, 4};
        auto from_view = pollux::join_all(numbers | std::views::transform([](int n) { return pollux::ready(n * n); }));
        CHECK(assert_ready(poll_once(from_view)) == std::vector<int>{1, 4, 9, 16});
        auto from_filter = pollux::join_all(numbers | std::views::filter([](int n) { return n % 2 == 0; }) |
                                            std::views::transform([](int n) { return pollux::ready(n); }));
        CHECK(assert_ready(poll_once(from_filter)) == std::vector<int>{2, 4});
    }

    TEST_CASE("join_all: copies out of a view of futures that others own, moves out of a temporary that owns them") {
        std::vector<decltype(pollux::ready(std::make_shared<int>(1)))> owned{pollux::ready(std::make_shared<int>(7))};
        for (int i = 0; i < 2; ++i) {
            auto fut = pollux::join_all(std::span(owned));
            const auto values = assert_ready(poll_once(fut));
            REQUIRE(values.at(0) != nullptr);
            CHECK(values.at(0).use_count() == 2);
        }
        auto fut = pollux::join_all(std::move(owned));
        CHECK(assert_ready(poll_once(fut)).at(0).use_count() == 1);
    }

    TEST_CASE("join_all: an exception destroys the others and is thrown on") {
        std::vector<job> jobs(3);
        auto fut = pollux::join_all(futures_of(jobs));
        assert_pending(poll_once(fut));
        jobs[1].complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        CHECK_FALSE(jobs[0].is_alive());
        CHECK_FALSE(jobs[2].is_alive());
    }

    TEST_CASE("join_all: may be moved after a poll; a drop destroys what is left") {
        std::vector<job> jobs(2);
        pollux::testing::counting_waker waker;
        {
            auto fut = pollux::join_all(futures_of(jobs));
            pollux::context cx(waker.waker());
            assert_pending(fut.poll(cx));
            auto moved = std::move(fut);
            jobs[0].complete(1);
            CHECK(waker.count() == 1);
            assert_pending(moved.poll(cx));
            CHECK_FALSE(jobs[0].is_alive());
            CHECK(jobs[1].is_alive());
        }
        CHECK_FALSE(jobs[1].is_alive());
        const auto kept = jobs[1].kept_waker();
        kept.wake();
        CHECK(waker.count() == 1);
    }

    TEST_CASE("join_all: a waker that is kept does not poll a future that was ready") {
        std::vector<job> jobs(2);
        auto fut = pollux::join_all(futures_of(jobs));
        assert_pending(poll_once(fut));
        const auto kept = jobs[0].kept_waker();
        jobs[0].complete(1);
        assert_pending(poll_once(fut));
        kept.wake();
        assert_pending(poll_once(fut));
        CHECK(jobs[0].polls() == 2);
    }

    TEST_CASE("join_all: the first poll of many stops when the budget is spent and goes on where it was") {
        std::vector<job> jobs(10);
        auto fut = pollux::join_all(futures_of(jobs));
        pollux::testing::counting_waker waker;
        for (int round = 1; round <= 2; ++round) {
            pollux::detail::poll_budget budget = pollux::test::budget_of(4);
            pollux::context cx(waker.waker(), &budget);
            assert_pending(fut.poll(cx));
            CHECK(polls_of(jobs) == 4 * round);
            CHECK(waker.count() == static_cast<std::size_t>(round));
        }
        for (std::size_t i = 0; i != jobs.size(); ++i) jobs[i].complete(static_cast<int>(i));
        CHECK(assert_ready(poll_once(fut)).size() == 10);
    }

    TEST_CASE("join_all: two allocations for any number of futures") {
        std::vector<decltype(pollux::ready(1))> futures(1000, pollux::ready(1));
        const pollux::test::allocation_counter allocations;
        auto fut = pollux::join_all(std::move(futures));
        CHECK(allocations.count() == 1);
        CHECK(assert_ready(poll_once(fut)).size() == 1000);
        CHECK(allocations.count() == 2);
    }

#ifndef NDEBUG
    TEST_CASE("join_all: a debug build stops with a message when it is polled after it was ready or threw") {
        const auto failing = [] {
            return pollux::poll_fn([](pollux::context&) -> pollux::polled<int> { throw std::runtime_error("child"); });
        };
        CHECK(message_of_second_poll(pollux::join_all(std::vector{pollux::ready(1)}))
                  .starts_with("pollux: join_all: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::join_all(std::vector{failing()}))
                  .starts_with("pollux: join_all: polled after it was ready or threw; "));
    }
#endif
}

TEST_SUITE("future/try_join_all") {
    TEST_CASE("try_join_all: gives the values in the order of the range") {
        std::vector<job> jobs(2);
        auto fut = pollux::try_join_all(futures_of(jobs));
        static_assert(std::is_same_v<decltype(fut)::value_type, std::vector<int>>);
        static_assert(std::is_same_v<decltype(fut)::error_type, std::string>);
        CHECK(polls_of(jobs) == 0);
        assert_pending(poll_once(fut));
        jobs[1].complete(1);
        assert_pending(poll_once(fut));
        CHECK(polls_of(jobs) == 3);
        CHECK_FALSE(jobs[1].is_alive());
        jobs[0].complete(0);
        CHECK(assert_ready(poll_once(fut)).value() == std::vector<int>{0, 1});
    }

    TEST_CASE("try_join_all: the first error destroys the others, before it is handed out") {
        std::vector<job> jobs(3);
        auto fut = pollux::try_join_all(futures_of(jobs));
        assert_pending(poll_once(fut));
        jobs[2].complete(2);
        jobs[1].complete(std::unexpected("one"));
        jobs[0].complete(std::unexpected("zero"));
        CHECK(assert_ready(poll_once(fut)).error() == "one");
        CHECK(jobs[0].polls() == 1);
        for (auto& each : jobs) CHECK_FALSE(each.is_alive());
    }

    TEST_CASE("try_join_all: of nothing is ready at the first poll; void gives unit; without errors it cannot fail") {
        auto nothing = pollux::try_join_all(std::vector<job::future_type>());
        CHECK(assert_ready(poll_once(nothing)).value().empty());
        auto units = pollux::try_join_all(std::vector{pollux::ready(), pollux::ready()});
        static_assert(std::is_same_v<decltype(units)::value_type, std::vector<pollux::unit>>);
        static_assert(std::is_same_v<decltype(units)::error_type, pollux::never>);
        CHECK(assert_ready(poll_once(units)).size() == 2);
    }

    TEST_CASE("try_join_all: an exception destroys the others and is thrown on") {
        std::vector<job> jobs(2);
        auto fut = pollux::try_join_all(futures_of(jobs));
        assert_pending(poll_once(fut));
        jobs[1].complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        CHECK_FALSE(jobs[0].is_alive());
    }

    TEST_CASE("try_join_all: a drop destroys all, and the budget ends a poll") {
        std::vector<job> jobs(6);
        pollux::testing::counting_waker waker;
        {
            auto fut = pollux::try_join_all(futures_of(jobs));
            pollux::detail::poll_budget budget = pollux::test::budget_of(4);
            pollux::context cx(waker.waker(), &budget);
            assert_pending(fut.poll(cx));
            CHECK(polls_of(jobs) == 4);
            CHECK(waker.count() == 1);
        }
        for (auto& each : jobs) CHECK_FALSE(each.is_alive());
    }

#ifndef NDEBUG
    TEST_CASE("try_join_all: a debug build stops with a message when it is polled after it was ready or threw") {
        const auto failing = [] {
            return pollux::poll_fn([](pollux::context&) -> pollux::polled<int> { throw std::runtime_error("child"); });
        };
        CHECK(message_of_second_poll(pollux::try_join_all(std::vector{pollux::ready(1)}))
                  .starts_with("pollux: try_join_all: polled after it was ready or threw; "));
        CHECK(message_of_second_poll(pollux::try_join_all(std::vector{failing()}))
                  .starts_with("pollux: try_join_all: polled after it was ready or threw; "));
    }
#endif
}
