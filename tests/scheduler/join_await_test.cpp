// SPDX-License-Identifier: MIT
// A coroutine that awaits a join handle: the handle's own awaiter, in each way in which a task may end and a wait may be disturbed.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <expected>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/coro/task.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/join_handle.hpp"
#include "pollux/testing/poll.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_event.hpp"
#include "support/small_tasks.hpp"
#include "support/tracked.hpp"

namespace {

using pollux::current_thread_runtime;
using pollux::join_handle;
using pollux::task;
using pollux::task_cancelled;
using pollux::test::manual_event;
using pollux::test::number;
using pollux::test::throws;
using pollux::test::tracked;
using pollux::test::waits;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::counting_waker;
using pollux::testing::poll_once;

task<int> awaits(join_handle<int>& handle) { co_return co_await handle + 1; }
task<int> owns_and_awaits(join_handle<int> handle) { co_return co_await std::move(handle) + 1; }

task<int, std::string> fails() { co_return std::unexpected(std::string("no number")); }
task<std::string> text_of(join_handle<int, std::string> handle) {
    const std::expected<int, std::string> end = co_await std::move(handle);
    co_return end ? std::to_string(*end) : end.error();
}

// A future of its own, made of a handle.
struct hundred_more : join_handle<int> {
    pollux::polled<int> poll(pollux::context& cx) {
        auto answer = join_handle<int>::poll(cx);
        if (answer.is_ready()) answer.value() += 100;
        return answer;
    }
};
task<int> awaits_derived(hundred_more handle) { co_return co_await handle; }

task<std::size_t> awaits_all(std::vector<join_handle<int>>& handles, std::atomic<bool>& is_over) {
    std::size_t sum = 0;
    for (auto& each : handles) sum += static_cast<std::size_t>(co_await each);
    is_over = true;
    co_return sum;
}
task<bool> sees(const std::atomic<bool>& is_over) { co_return is_over.load(); }

}  // namespace

TEST_SUITE("scheduler/join_await") {
    TEST_CASE("await of a join handle: a task that has ended is not waited for") {
        current_thread_runtime rt;
        auto lent = rt.spawn(number(3));
        auto given = rt.spawn(number(4));
        rt.run_until_stalled();
        auto of_lent = awaits(lent);
        CHECK(assert_ready(poll_once(of_lent)) == 4);
        CHECK(lent.is_finished());
        auto of_given = owns_and_awaits(std::move(given));
        CHECK(assert_ready(poll_once(of_given)) == 5);
    }

    TEST_CASE("await of a join handle: the end wakes the latest waker once, and polls in between change nothing") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        auto waiting = owns_and_awaits(rt.spawn(waits(event, alive)));
        counting_waker early, late;
        pollux::context early_cx(early.waker()), late_cx(late.waker());
        assert_pending(waiting.poll(early_cx));
        rt.run_until_stalled();
        assert_pending(waiting.poll(early_cx));
        for (int i = 0; i != 3; ++i) assert_pending(waiting.poll(late_cx));
        event.wake();  // the task's own spurious poll
        rt.run_until_stalled();
        assert_pending(waiting.poll(late_cx));
        event.set();
        rt.run_until_stalled();
        CHECK(early.count() == 0);
        CHECK(late.count() == 1);
        CHECK(assert_ready(waiting.poll(late_cx)) == 6);
        CHECK(late.count() == 1);
    }

    TEST_CASE("await of a join handle: throws there what the task has thrown, whether it waited or not") {
        current_thread_runtime rt;
        auto ended = rt.spawn(throws("at once"));
        rt.run_until_stalled();
        auto at_once = awaits(ended);
        CHECK_THROWS_WITH_AS(poll_once(at_once), "at once", std::runtime_error);
        auto later = owns_and_awaits(rt.spawn(throws("later")));
        assert_pending(poll_once(later));
        rt.run_until_stalled();
        CHECK_THROWS_WITH_AS(poll_once(later), "later", std::runtime_error);
    }

    TEST_CASE("await of what is derived from a join handle: by its own poll") {
        current_thread_runtime rt;
        CHECK(rt.block_on(awaits_derived(hundred_more{rt.spawn(number(3))})) == 103);
    }

    TEST_CASE("await of a join handle: gives an error as a value") {
        current_thread_runtime rt;
        CHECK(rt.block_on(text_of(rt.spawn(fails()))) == "no number");
    }

    TEST_CASE("await of a join handle: throws task_cancelled where the task was aborted or its runtime has ended") {
        std::atomic<int> alive = 0;
        manual_event event;
        std::optional<current_thread_runtime> rt(std::in_place);
        auto aborted = rt->spawn(waits(event, alive));
        auto of_aborted = awaits(aborted);
        assert_pending(poll_once(of_aborted));
        aborted.abort();
        rt->run_until_stalled();
        CHECK_THROWS_AS(poll_once(of_aborted), task_cancelled);

        counting_waker waker;
        pollux::context cx(waker.waker());
        auto kept = owns_and_awaits(rt->spawn(waits(event, alive)));
        assert_pending(kept.poll(cx));
        auto never_polled = owns_and_awaits(rt->spawn(waits(event, alive)));
        rt->run_until_stalled();
        rt.reset();
        CHECK(waker.count() == 1);
        CHECK(alive == 0);
        CHECK_THROWS_AS(kept.poll(cx), task_cancelled);
        CHECK_THROWS_AS(never_polled.poll(cx), task_cancelled);
    }

    TEST_CASE(
        "await of a join handle: dropped while it waits the task goes on, and a lent handle can be awaited again") {
        std::atomic<int> alive = 0;
        manual_event event, other;
        current_thread_runtime rt;
        auto lent = rt.spawn(waits(event, alive));
        counting_waker waker;
        pollux::context cx(waker.waker());
        {
            auto dropped = awaits(lent);
            assert_pending(dropped.poll(cx));
            auto owner = owns_and_awaits(rt.spawn(waits(other, alive)));
            assert_pending(owner.poll(cx));
            rt.run_until_stalled();
        }
        CHECK(alive == 2);
        auto again = awaits(lent);
        assert_pending(poll_once(again));
        event.set();
        other.set();
        rt.run_until_stalled();
        CHECK(alive == 0);
        CHECK(waker.count() == 0);
        CHECK(assert_ready(poll_once(again)) == 6);
    }

    TEST_CASE("await of a join handle: without budget the result stays for the next poll") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        event.set();
        auto ended = rt.spawn(number(3));
        rt.run_until_stalled();
        counting_waker waker;
        auto at_once = awaits(ended);
        assert_pending(pollux::test::poll_within(at_once, 0, waker.waker()));
        CHECK(waker.count() == 1);
        // It has been counted: whatever the next poll may do, it goes on.
        CHECK(assert_ready(pollux::test::poll_within(at_once, 0, waker.waker())) == 4);

        auto later = owns_and_awaits(rt.spawn(waits(event, alive)));
        assert_pending(poll_once(later));
        rt.run_until_stalled();
        assert_pending(pollux::test::poll_within(later, 0, waker.waker()));
        CHECK(waker.count() == 2);
        CHECK(assert_ready(poll_once(later)) == 6);
    }

    TEST_CASE("await of a join handle: a loop over tasks that have ended lets others run") {
        current_thread_runtime rt;
        constexpr std::size_t n = 10'000;
        std::vector<join_handle<int>> handles;
        for (std::size_t i = 0; i != n; ++i) handles.push_back(rt.spawn(number(1)));
        rt.run_until_stalled();
        std::atomic<bool> is_over = false;
        auto loop = rt.spawn(awaits_all(handles, is_over));
        auto other = rt.spawn(sees(is_over));
        rt.run_until_stalled();
        CHECK_FALSE(assert_ready(poll_once(other)));
        CHECK(assert_ready(poll_once(loop)) == n);
    }
}
