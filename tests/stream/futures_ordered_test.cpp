// SPDX-License-Identifier: MIT
#include "pollux/stream/futures_ordered.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "support/drain.hpp"
#include "support/growing_set.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::futures_ordered;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using job = pollux::test::manual<int, std::string>;
using job_set = futures_ordered<job::future_type>;

job_set set_of(std::vector<job>& jobs) {
    job_set set;
    for (auto& each : jobs) set.push(each.future());
    return set;
}

}  // namespace

TEST_SUITE("stream/futures_ordered") {
    TEST_CASE("futures_ordered: results come in the order of push, whatever finishes first") {
        std::vector<job> jobs(3);
        auto set = set_of(jobs);
        static_assert(std::is_same_v<job_set::value_type, int>);
        static_assert(std::is_same_v<job_set::error_type, std::string>);
        static_assert(!std::is_copy_constructible_v<job_set>);
        CHECK(jobs[0].polls() == 0);
        assert_pending(poll_once(set));
        jobs[2].complete(2);
        assert_pending(poll_once(set));
        CHECK_FALSE(jobs[2].is_alive());
        CHECK(set.size() == 3);
        jobs[0].complete(0);
        CHECK(assert_ready(poll_once(set)).value() == 0);
        assert_pending(poll_once(set));
        jobs[1].complete(1);
        CHECK(assert_ready(poll_once(set)).value() == 1);
        CHECK(assert_ready(poll_once(set)).value() == 2);
        CHECK_FALSE(assert_ready(poll_once(set)).value().has_value());
        CHECK(set.empty());
    }

    TEST_CASE("futures_ordered: an error keeps its turn and holds up nobody behind it") {
        std::vector<job> jobs(3);
        auto set = set_of(jobs);
        assert_pending(poll_once(set));
        jobs[1].complete(std::unexpected("one"));
        jobs[2].complete(2);
        assert_pending(poll_once(set));
        jobs[0].complete(std::unexpected("zero"));
        CHECK(assert_ready(poll_once(set)).error() == "zero");
        CHECK(assert_ready(poll_once(set)).error() == "one");
        CHECK(assert_ready(poll_once(set)).value() == 2);
        CHECK_FALSE(assert_ready(poll_once(set)).value().has_value());
    }

    TEST_CASE("futures_ordered: an exception drops the future that threw and holds up nobody") {
        std::vector<job> jobs(3);
        auto set = set_of(jobs);
        assert_pending(poll_once(set));
        jobs[0].complete_by_throwing(std::runtime_error("no"));
        jobs[1].complete(1);
        CHECK_THROWS_AS(poll_once(set), std::runtime_error);
        CHECK_FALSE(jobs[0].is_alive());
        CHECK(assert_ready(poll_once(set)).value() == 1);
        jobs[2].complete(2);
        CHECK(assert_ready(poll_once(set)).value() == 2);
        CHECK_FALSE(assert_ready(poll_once(set)).value().has_value());
    }

    TEST_CASE("futures_ordered: a wake-up polls only the future that was woken") {
        std::vector<job> jobs(50);
        auto set = set_of(jobs);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(set.poll_next(cx));
        jobs[20].complete(20);
        CHECK(waker.count() == 1);
        assert_pending(set.poll_next(cx));
        int polls = 0;
        for (auto& each : jobs) polls += each.polls();
        CHECK(polls == 51);
    }

    TEST_CASE("futures_ordered: is at its end when empty, goes on after a push, which wakes who waits") {
        job_set set;
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        CHECK_FALSE(assert_ready(set.poll_next(cx)).value().has_value());
        job first;
        job second;
        set.push(first.future());
        CHECK(waker.count() == 1);
        first.complete(1);
        CHECK(assert_ready(set.poll_next(cx)).value() == 1);
        set.push(second.future());
        CHECK(waker.count() == 1);
        CHECK(set.size() == 1);
    }

    TEST_CASE("futures_ordered: a waker that is kept does not poll a future whose result waits") {
        std::vector<job> jobs(2);
        auto set = set_of(jobs);
        assert_pending(poll_once(set));
        const auto kept = jobs[1].kept_waker();
        jobs[1].complete(1);
        assert_pending(poll_once(set));
        kept.wake();
        assert_pending(poll_once(set));
        CHECK(jobs[1].polls() == 2);
        jobs[0].complete(0);
        CHECK(assert_ready(poll_once(set)).value() == 0);
        CHECK(assert_ready(poll_once(set)).value() == 1);
    }

    TEST_CASE("futures_ordered: may be moved after a poll, and a drop destroys all") {
        std::vector<job> jobs(2);
        {
            auto set = set_of(jobs);
            assert_pending(poll_once(set));
            auto moved = std::move(set);
            jobs[0].complete(7);
            CHECK(assert_ready(poll_once(moved)).value() == 7);
            CHECK(jobs[1].is_alive());
        }
        CHECK_FALSE(jobs[1].is_alive());
    }

    TEST_CASE("futures_ordered: futures that are always ready yield when the budget of the poll is spent") {
        futures_ordered<decltype(pollux::ready(1))> set;
        for (int i = 0; i < 10; ++i) set.push(pollux::ready(int(i)));
        pollux::detail::poll_budget budget = pollux::test::budget_of(4);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker(), &budget);
        // The first poll finds out about four of them, and nothing of that is lost.
        for (int i = 0; i < 4; ++i) CHECK(assert_ready(set.poll_next(cx)) == i);
        assert_pending(set.poll_next(cx));
        CHECK(waker.count() != 0);
        CHECK(pollux::test::drain(set) == std::vector<int>{4, 5, 6, 7, 8, 9});
    }

    TEST_CASE("futures_ordered: void gives unit, a value may be only movable") {
        futures_ordered<decltype(pollux::ready())> nothings;
        static_assert(std::is_same_v<decltype(nothings)::value_type, pollux::unit>);
        for (int i = 0; i < 4; ++i) nothings.push(pollux::ready());
        CHECK(pollux::test::drain(nothings).size() == 4);

        futures_ordered<pollux::boxed_future<std::unique_ptr<int>>> movables;
        movables.push(pollux::ready(std::make_unique<int>(3)));
        CHECK(*pollux::test::drain(movables).at(0) == 3);
    }

    // It was polled in the same poll: a future that pushes its like kept one poll going for ever.
    TEST_CASE("futures_ordered: what the poll of a future pushes is polled with the next poll, and wakes its task") {
        using child = pollux::boxed_future<int>;
        futures_ordered<child> set;
        const auto make = [](auto fn) -> child {
            return pollux::poll_fn([fn = std::move(fn)](pollux::context&) mutable -> pollux::polled<int> {
                fn();
                return pollux::pending;
            });
        };
        pollux::test::check_that_additions_wait_for_the_next_poll(
            set, make, [](auto& to, int, child one) { to.push(std::move(one)); });
    }
}
