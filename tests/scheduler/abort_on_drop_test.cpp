// SPDX-License-Identifier: MIT
#include "pollux/runtime/join_handle.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_event.hpp"
#include "support/small_tasks.hpp"
#include "support/workers.hpp"

namespace {

using pollux::current_thread_runtime;
using pollux::task;
using pollux::task_cancelled;
using pollux::test::manual_event;
using pollux::test::throws;
using pollux::test::waits;
using pollux::test::workers;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

template <class T, class E = pollux::never>
using aborting = decltype(std::declval<pollux::join_handle<T, E>>().abort_on_drop());

}  // namespace

TEST_SUITE("scheduler/abort_on_drop") {
    TEST_CASE("abort_on_drop: is the same future, and may be moved between polls") {
        using aborting =
            decltype(std::declval<pollux::join_handle<std::unique_ptr<int>, std::string>>().abort_on_drop());
        static_assert(pollux::future<aborting>);
        static_assert(std::is_same_v<aborting::value_type, std::unique_ptr<int>>);
        static_assert(std::is_same_v<aborting::error_type, std::string>);
        static_assert(!std::is_copy_constructible_v<aborting> && std::is_nothrow_move_constructible_v<aborting>);
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        auto handle = rt.spawn(waits(event, alive));
        const auto id = handle.id();
        auto aborting_one = std::move(handle).abort_on_drop();
        CHECK(aborting_one.id() == id);
        CHECK(aborting_one.abort_handle().id() == id);
        assert_pending(poll_once(aborting_one));
        {
            auto moved = std::move(aborting_one);
            pollux::testing::counting_waker waiting;
            pollux::context cx(waiting.waker());
            assert_pending(moved.poll(cx));
            rt.run_until_stalled();
            CHECK_FALSE(moved.is_finished());
            aborting_one = std::move(moved);
            event.set();
            rt.run_until_stalled();
            CHECK(waiting.count() == 1);
        }
        CHECK(aborting_one.is_finished());
        CHECK(assert_ready(poll_once(aborting_one)) == 5);
        auto failing = rt.spawn(pollux::fail<int>(std::string("error"))).abort_on_drop();
        CHECK(rt.block_on(std::move(failing)).error() == "error");
        auto thrown = rt.spawn(throws("awaited")).abort_on_drop();
        CHECK_THROWS_WITH_AS(rt.block_on(std::move(thrown)), "awaited", std::runtime_error);
    }

    TEST_CASE(
        "abort_on_drop: dropping it before the first poll, while it waits or after a poll of it aborts the task") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        static_cast<void>(rt.spawn(waits(event, alive)).abort_on_drop());
        rt.run_until_stalled();
        CHECK(event.polls() == 0);
        for (const bool is_polled : {false, true}) {
            std::optional<pollux::abort_handle> watched;
            {
                auto aborting_one = rt.spawn(waits(event, alive)).abort_on_drop();
                watched.emplace(aborting_one.abort_handle());
                rt.run_until_stalled();
                if (is_polled) assert_pending(poll_once(aborting_one));
                CHECK(alive == 1);
            }
            CHECK(alive == 1);
            CHECK_FALSE(watched->is_finished());
            CHECK(rt.run_until_stalled() == 1);
            CHECK(alive == 0);
            CHECK(watched->is_finished());
        }
    }

    TEST_CASE("abort_on_drop: what is assigned over is aborted, what was moved from and what has ended is not") {
        std::atomic<int> alive = 0;
        manual_event first;
        manual_event second;
        std::vector<pollux::task_id> reported;
        pollux::runtime_options options;
        options.on_unhandled_exception = [&](pollux::task_id id, std::exception_ptr) { reported.push_back(id); };
        current_thread_runtime rt(options);
        auto kept = rt.spawn(waits(first, alive)).abort_on_drop();
        auto other = rt.spawn(waits(second, alive)).abort_on_drop();
        rt.run_until_stalled();
        CHECK(alive == 2);
        kept = std::move(other);
        rt.run_until_stalled();
        CHECK(alive == 1);
        CHECK(first.waiting() == 0);
        CHECK(second.waiting() == 1);
        kept.abort();
        rt.run_until_stalled();
        CHECK(alive == 0);
        CHECK_THROWS_AS((void)rt.block_on(std::move(kept)), task_cancelled);
        static_cast<void>(rt.spawn(throws("dropped before it ran")).abort_on_drop());
        rt.run_until_stalled();
        CHECK(reported.empty());
        pollux::task_id id;
        {
            auto thrown = rt.spawn(throws("dropped after its end")).abort_on_drop();
            id = thrown.id();
            rt.run_until_stalled();
            CHECK(reported.empty());
        }
        CHECK(reported == std::vector{id});
    }

    TEST_CASE("abort_on_drop: one that is dropped or awaited after its runtime") {
        std::atomic<int> alive = 0;
        for (const unsigned n : {1u, 2u}) {
            manual_event event;
            std::optional<aborting<int>> dropped;
            std::optional<aborting<int>> awaited;
            std::optional<aborting<int>> refused;
            {
                pollux::runtime rt(workers(n));
                dropped.emplace(rt.spawn(waits(event, alive)).abort_on_drop());
                awaited.emplace(rt.spawn(pollux::ready(4)).abort_on_drop());
                while (event.polls() == 0 || !awaited->is_finished()) std::this_thread::yield();
                rt.shutdown(std::chrono::seconds(0));
                refused.emplace(rt.spawn(pollux::ready(5)).abort_on_drop());
            }
            CHECK(alive == 0);
            dropped.reset();
            CHECK(pollux::block_on(*awaited) == 4);
            CHECK_THROWS_AS((void)pollux::block_on(*refused), task_cancelled);
        }
    }
}
