// SPDX-License-Identifier: MIT
#include "pollux/runtime/join_handle.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <expected>
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
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_event.hpp"
#include "support/small_tasks.hpp"
#include "support/tracked.hpp"
#include "support/workers.hpp"

namespace {

using pollux::current_thread_runtime;
using pollux::polled;
using pollux::task;
using pollux::task_cancelled;
using pollux::test::manual_event;
using pollux::test::throws;
using pollux::test::tracked;
using pollux::test::waits;
using pollux::test::workers;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

task<tracked> gives(tracked value) { co_return std::move(value); }
pollux::test::manual_event::wait_future as_future(const manual_event& event) { return manual_event(event).wait(); }

// Collects what nobody saw.
struct reports {
    std::vector<std::string> texts;
    std::vector<pollux::task_id> ids;

    pollux::runtime_options options() {
        pollux::runtime_options made;
        made.on_unhandled_exception = [this](pollux::task_id id, std::exception_ptr exception) {
            ids.push_back(id);
            try {
                std::rethrow_exception(exception);
            } catch (const std::runtime_error& error) {
                texts.emplace_back(error.what());
            }
        };
        return made;
    }
};

}  // namespace

TEST_SUITE("scheduler/join_handle") {
    TEST_CASE("join_handle: is a future of the task's result, and may be moved between polls") {
        static_assert(pollux::future<pollux::join_handle<int, std::string>>);
        static_assert(!std::is_copy_constructible_v<pollux::join_handle<>>);
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        auto handle = rt.spawn(waits(event, alive));
        assert_pending(poll_once(handle));
        auto moved = std::move(handle);
        assert_pending(poll_once(moved));
        CHECK(rt.run_until_stalled() == 1);
        CHECK_FALSE(moved.is_finished());
        event.set();
        CHECK(rt.run_until_stalled() == 1);
        CHECK(moved.is_finished());
        CHECK(alive == 0);
        CHECK(assert_ready(poll_once(moved)) == 5);
        CHECK(moved.is_finished());
    }

    TEST_CASE("join_handle: the end of the task wakes the waker of the latest poll, once") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        auto handle = rt.spawn(waits(event, alive));
        pollux::testing::counting_waker early;
        pollux::testing::counting_waker late;
        pollux::context early_cx(early.waker());
        pollux::context late_cx(late.waker());
        assert_pending(handle.poll(early_cx));
        assert_pending(handle.poll(early_cx));
        assert_pending(handle.poll(late_cx));
        event.set();
        rt.run_until_stalled();
        CHECK(early.count() == 0);
        CHECK(late.count() == 1);
        CHECK(assert_ready(handle.poll(late_cx)) == 5);
        CHECK(late.count() == 1);
    }

    TEST_CASE("join_handle: rethrows, and then nobody is told") {
        reports seen;
        current_thread_runtime rt(seen.options());
        auto handle = rt.spawn(throws("awaited"));
        CHECK(rt.run_until_stalled() == 2);
        CHECK_THROWS_WITH_AS(poll_once(handle), "awaited", std::runtime_error);
        auto later = rt.spawn(throws("awaited later"));
        CHECK_THROWS_WITH_AS(rt.block_on(std::move(later)), "awaited later", std::runtime_error);
        CHECK(seen.texts.empty());
    }

    TEST_CASE("join_handle: an exception that nobody will see is reported once, when that is certain") {
        reports seen;
        std::optional<pollux::join_handle<int>> outlives;
        {
            current_thread_runtime rt(seen.options());
            auto detached = rt.spawn(throws("detached"));
            const auto id = detached.id();
            detached.detach();
            CHECK(seen.texts.empty());
            rt.run_until_stalled();
            CHECK(seen.texts == std::vector<std::string>{"detached"});
            CHECK(seen.ids == std::vector{id});

            auto dropped_later = rt.spawn(throws("dropped later"));
            rt.run_until_stalled();
            CHECK(seen.texts.size() == 1);
            dropped_later.detach();
            CHECK(seen.texts.size() == 2);
            CHECK(seen.texts.back() == "dropped later");

            {
                auto polled_and_dropped = rt.spawn(throws("polled and dropped"));
                assert_pending(poll_once(polled_and_dropped));
            }
            rt.run_until_stalled();
            CHECK(seen.texts.back() == "polled and dropped");
            auto of_future =
                rt.spawn(pollux::poll_fn([](pollux::context&) -> polled<int> { throw std::runtime_error("plain"); }));
            of_future.detach();
            rt.run_until_stalled();
            CHECK(seen.texts.back() == "plain");
            CHECK(seen.texts.size() == 4);

            outlives.emplace(rt.spawn(throws("after the runtime")));
            rt.run_until_stalled();
        }
        CHECK(seen.texts.size() == 4);
        outlives.reset();
        CHECK(seen.texts.size() == 5);
        CHECK(seen.texts.back() == "after the runtime");
    }

    TEST_CASE("join_handle: a value that nobody takes is destroyed at the end of the task, or with the handle") {
        std::atomic<int> alive = 0;
        current_thread_runtime rt;
        rt.spawn(gives(tracked(alive))).detach();
        CHECK(alive == 1);
        rt.run_until_stalled();
        CHECK(alive == 0);
        {
            auto handle = rt.spawn(gives(tracked(alive)));
            rt.run_until_stalled();
            CHECK(alive == 1);
            pollux::abort_handle kept = handle.abort_handle();
            handle.detach();
            CHECK(alive == 0);
            CHECK(kept.is_finished());
        }
        auto taken = rt.spawn(gives(tracked(alive)));
        {
            const auto value = rt.block_on(std::move(taken));
            CHECK(alive == 1);
        }
        CHECK(alive == 0);
    }

    TEST_CASE("abort: a task that waits is destroyed by its runtime, not by the caller, and its handle throws") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        auto handle = rt.spawn(waits(event, alive));
        rt.run_until_stalled();
        pollux::testing::counting_waker waiting;
        pollux::context cx(waiting.waker());
        assert_pending(handle.poll(cx));
        handle.abort();
        handle.abort();
        CHECK(alive == 1);
        CHECK_FALSE(handle.is_finished());
        CHECK(rt.run_until_stalled() == 1);
        CHECK(alive == 0);
        CHECK(waiting.count() == 1);
        CHECK(handle.is_finished());
        CHECK_THROWS_AS(handle.poll(cx), task_cancelled);
        CHECK(event.polls() == 1);
    }

    TEST_CASE("abort: before the first poll the task is never polled") {
        std::atomic<int> alive = 0;
        manual_event event;
        current_thread_runtime rt;
        auto of_task = rt.spawn(waits(event, alive));
        auto of_future = rt.spawn(as_future(event));
        of_task.abort();
        of_future.abort_handle().abort();
        CHECK(event.waiting() == 1);
        rt.run_until_stalled();
        CHECK(event.polls() == 0);
        CHECK(event.waiting() == 0);
        CHECK_THROWS_AS((void)rt.block_on(std::move(of_task)), task_cancelled);
        CHECK_THROWS_AS(rt.block_on(std::move(of_future)), task_cancelled);
    }

    TEST_CASE("abort: in the poll that finishes, the result stays; in one that does not, it is the last") {
        current_thread_runtime rt;
        std::optional<pollux::abort_handle> own;
        int polls = 0;
        auto aborts_itself = [&](int ready_at) {
            return pollux::poll_fn([&, ready_at](pollux::context& cx) -> polled<int> {
                own->abort();
                if (++polls == ready_at) return 7;
                cx.waker().wake();
                return pollux::pending;
            });
        };
        auto finishing = rt.spawn(aborts_itself(1));
        own.emplace(finishing.abort_handle());
        CHECK(rt.block_on(std::move(finishing)) == 7);
        auto pending = rt.spawn(aborts_itself(3));
        own.emplace(pending.abort_handle());
        CHECK_THROWS_AS((void)rt.block_on(std::move(pending)), task_cancelled);
        CHECK(polls == 2);
    }

    TEST_CASE("abort: after the end it changes nothing") {
        current_thread_runtime rt;
        auto handle = rt.spawn(pollux::ready(3));
        rt.run_until_stalled();
        handle.abort();
        CHECK(rt.run_until_stalled() == 0);
        CHECK(assert_ready(poll_once(handle)) == 3);
    }

    TEST_CASE("abort: from a destructor that the abort of another task runs, and from another thread") {
        std::atomic<int> alive = 0;
        manual_event event;
        pollux::runtime rt(workers(2));
        auto second = rt.spawn(waits(event, alive));
        while (event.polls() == 0) std::this_thread::yield();
        struct aborts_when_destroyed {
            std::optional<pollux::abort_handle> other;
            explicit aborts_when_destroyed(pollux::abort_handle to_abort) : other(std::move(to_abort)) {}
            aborts_when_destroyed(aborts_when_destroyed&& from) noexcept
                : other(std::exchange(from.other, std::nullopt)) {}
            ~aborts_when_destroyed() {
                if (other) other->abort();
            }
        };
        auto first = rt.spawn([guard = aborts_when_destroyed(second.abort_handle())]() -> task<> {
            for (;;) co_await pollux::yield_now();
        });
        std::thread([to_abort = first.abort_handle()] { to_abort.abort(); }).join();
        CHECK_THROWS_AS(rt.block_on(std::move(first)), task_cancelled);
        CHECK_THROWS_AS((void)rt.block_on(std::move(second)), task_cancelled);
        CHECK(alive == 0);
    }

    TEST_CASE("abort_handle: copies are of one task, and outlive handle, task and runtime") {
        std::atomic<int> alive = 0;
        manual_event event;
        std::optional<pollux::abort_handle> kept;
        {
            current_thread_runtime rt;
            auto handle = rt.spawn(waits(event, alive));
            auto first = handle.abort_handle();
            kept.emplace(first);
            CHECK(kept->id() == handle.id());
            CHECK_FALSE(kept->is_finished());
            handle.detach();
            rt.run_until_stalled();
        }
        CHECK(alive == 0);
        CHECK(kept->is_finished());
        kept->abort();
    }

    TEST_CASE("join_handle: kept after its runtime it gives the result if there was one, else throws task_cancelled") {
        std::atomic<int> alive = 0;
        manual_event event;
        std::optional<pollux::join_handle<int>> finished;
        std::optional<pollux::join_handle<int>> unfinished;
        std::optional<pollux::join_handle<int>> unpolled;
        std::optional<pollux::join_handle<int>> thrown;
        {
            pollux::runtime rt(workers(2));
            finished.emplace(rt.spawn(pollux::ready(4)));
            thrown.emplace(rt.spawn(throws("kept")));
            unfinished.emplace(rt.spawn(waits(event, alive)));
            while (!finished->is_finished() || !thrown->is_finished() || event.polls() == 0) std::this_thread::yield();
        }
        CHECK(alive == 0);
        CHECK(pollux::block_on(*finished) == 4);
        CHECK(unfinished->is_finished());
        CHECK_THROWS_AS((void)pollux::block_on(*unfinished), task_cancelled);
        CHECK_THROWS_WITH_AS((void)pollux::block_on(*thrown), "kept", std::runtime_error);
    }

    TEST_CASE("join_handle: the end of its runtime wakes a waiter in another one") {
        std::atomic<int> alive = 0;
        manual_event event;
        pollux::runtime other(workers(1));
        std::optional<pollux::join_handle<int>> waiter;
        {
            pollux::runtime rt(workers(1));
            auto handle = rt.spawn(waits(event, alive));
            waiter.emplace(other.spawn(std::move(handle)));
            while (event.polls() == 0) std::this_thread::yield();
        }
        CHECK_THROWS_AS((void)other.block_on(std::move(*waiter)), task_cancelled);
    }

    TEST_CASE("waker: kept after the task, and after the runtime, it wakes nobody and harms nobody") {
        std::atomic<int> alive = 0;
        manual_event event;
        pollux::waker kept;
        {
            pollux::runtime rt(workers(2));
            auto handle = rt.spawn(waits(event, alive));
            while (event.polls() == 0) std::this_thread::yield();
            kept = event.kept_waker();
            CHECK(kept.will_wake(event.kept_waker()));
            event.set();
            CHECK(rt.block_on(std::move(handle)) == 5);
            kept.wake();
        }
        kept.wake();
        const auto copy = kept;
        copy.wake();
        CHECK(copy.will_wake(kept));
    }

    TEST_CASE("join_handle: polled after it was ready it stops the process with a message") {
        const auto message = pollux::test::message_of_abort([] {
            current_thread_runtime rt;
            auto handle = rt.spawn(pollux::ready(1));
            rt.run_until_stalled();
            static_cast<void>(poll_once(handle));
            static_cast<void>(poll_once(handle));
        });
        CHECK(message.starts_with("pollux: join_handle: polled after it was ready or moved from; "));
    }
}
