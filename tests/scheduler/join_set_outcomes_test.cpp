// SPDX-License-Identifier: MIT
// next_with_id and join_all.
#include "pollux/runtime/join_set.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <expected>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_event.hpp"
#include "support/small_tasks.hpp"

namespace {

using pollux::current_thread_runtime;
using pollux::join_set;
using pollux::task;
using pollux::test::manual_event;
using pollux::test::number;
using pollux::test::throws;
using pollux::test::waits;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::counting_waker;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("scheduler/join_set/outcomes") {
    TEST_CASE("next_with_id: names the task, rethrows, and gives nothing when the set is empty") {
        current_thread_runtime rt;
        join_set<int, std::string> set;
        const auto good = set.spawn(number(1), rt.handle()).id();
        const auto bad = set.spawn(pollux::fail<int>(std::string("no")), rt.handle()).id();
        rt.run_until_stalled();
        set.spawn(throws("thrown"), rt.handle());
        auto first = set.next_with_id();
        auto got = assert_ready(poll_once(first));
        static_assert(
            std::is_same_v<decltype(got)::value_type, std::pair<pollux::task_id, std::expected<int, std::string>>>);
        CHECK(got->first == good);
        CHECK(got->second == 1);
        auto second = set.next_with_id();
        got = assert_ready(poll_once(second));
        CHECK(got->first == bad);
        CHECK(got->second.error() == "no");
        auto third = set.next_with_id();
        counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(third.poll(cx));
        rt.run_until_stalled();
        CHECK(waker.count() == 1);
        CHECK_THROWS_WITH_AS(third.poll(cx), "thrown", std::runtime_error);
        auto last = set.next_with_id();
        CHECK_FALSE(assert_ready(poll_once(last)).has_value());

        join_set<> of_nothing;
        of_nothing.spawn([] {}, rt.handle());
        rt.run_until_stalled();
        auto item = of_nothing.next_with_id();
        CHECK(assert_ready(poll_once(item))->second == pollux::unit());
    }

    TEST_CASE(
        "join_all: gives all outcomes in the order in which the tasks end, of an lvalue or of a set that it owns") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        join_set<int, std::string> set;
        set.spawn(waits(event, alive, 1), rt.handle());
        set.spawn(pollux::fail<int>(std::string("two")), rt.handle());
        auto all = set.join_all();
        static_assert(std::is_same_v<decltype(all)::error_type, pollux::never>);
        assert_pending(poll_once(all));
        rt.run_until_stalled();
        assert_pending(poll_once(all));
        CHECK(set.size() == 1);
        event.set();
        rt.run_until_stalled();
        const std::vector<std::expected<int, std::string>> results = assert_ready(poll_once(all));
        CHECK(results == std::vector<std::expected<int, std::string>>{std::unexpected("two"), 1});
        auto none = set.join_all();
        CHECK(assert_ready(poll_once(none)).empty());

        join_set<> given;
        given.spawn([] {}, rt.handle());
        given.spawn([] {}, rt.handle());
        CHECK(rt.block_on(std::move(given).join_all()).size() == 2);
        {
            manual_event never_set;
            join_set<int> left;
            left.spawn(waits(never_set, alive, 3), rt.handle());
            auto dropped = std::move(left).join_all();
            assert_pending(poll_once(dropped));
            rt.run_until_stalled();
            CHECK(alive == 1);
        }
        rt.run_until_stalled();
        CHECK(alive == 0);
    }

    TEST_CASE("join_all: rethrows the first exception, and the tasks that are left stay in the set") {
        current_thread_runtime rt;
        join_set<int> set;
        set.spawn(number(1), rt.handle());
        set.spawn(throws("second"), rt.handle());
        set.spawn(
            []() -> task<int> {
                for (int i = 0; i != 5; ++i) co_await pollux::yield_now();
                co_return 3;
            },
            rt.handle());
        auto all = set.join_all();
        rt.run_until_stalled();
        CHECK_THROWS_WITH_AS(poll_once(all), "second", std::runtime_error);
        CHECK(set.size() == 1);
        CHECK(rt.block_on(pollux::next(set)) == 3);
    }
}
