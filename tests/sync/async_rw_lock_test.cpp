// SPDX-License-Identifier: MIT
#include "pollux/sync/async_rw_lock.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "support/heap_counter.hpp"
#include "support/spent_budget.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::sync::async_rw_lock;
using pollux::test::poll_with;
using pollux::test::poll_without_budget;
using pollux::test::wake_counter;
using pollux::testing::poll_once;

pollux::task<> adds_one(async_rw_lock<int>& lock) {
    auto guard = co_await lock.write();
    const int read = *guard;
    co_await pollux::yield_now();
    *guard = read + 1;
}

pollux::task<> reads_twice(async_rw_lock<int>& lock, int& changed) {
    const auto guard = co_await lock.read();
    const int read = *guard;
    co_await pollux::yield_now();
    if (*guard != read) ++changed;
}

}  // namespace

TEST_SUITE("sync/async_rw_lock") {
    TEST_CASE("a lock is small beside its value; a reader's guard is const") {
        using read_type = decltype(std::declval<async_rw_lock<int>&>().read());
        using write_type = decltype(std::declval<async_rw_lock<int>&>().write());
        static_assert(pollux::future<read_type> && pollux::future<write_type>);
        static_assert(std::is_same_v<decltype(*std::declval<read_type::value_type&>()), const int&>);
        static_assert(std::is_same_v<decltype(*std::declval<write_type::value_type&>()), int&>);
        CHECK(sizeof(async_rw_lock<void*>) <= 64);
    }

    TEST_CASE("read: many at once, and a writer waits for the last of them") {
        async_rw_lock<int> lock(3);
        auto reading = lock.read();
        auto answer = poll_once(reading);
        REQUIRE(answer.has_value());
        std::optional first(std::move(answer.value()));
        auto second = lock.try_read();
        REQUIRE(second.has_value());
        CHECK(**first + **second == 6);
        CHECK_FALSE(lock.try_write().has_value());
        wake_counter task;
        auto writing = lock.write();
        CHECK(poll_with(writing, task).is_pending());
        first.reset();
        CHECK(task.count() == 0);
        second.reset();
        CHECK(task.count() == 1);
        {
            auto guard = poll_with(writing, task);
            REQUIRE(guard.has_value());
            *guard.value() = 4;
            CHECK_FALSE(lock.try_read().has_value());
            CHECK_FALSE(lock.try_write().has_value());
        }
        CHECK(**lock.try_read() == 4);
    }

    TEST_CASE("read: behind a writer that waits, readers wait; after it all of them go on at once") {
        async_rw_lock<int> lock(0);
        wake_counter writer_task;
        wake_counter reader_task;
        auto held = lock.try_read();
        auto writing = lock.write();
        CHECK(poll_with(writing, writer_task).is_pending());
        CHECK_FALSE(lock.try_read().has_value());
        auto first = lock.read();
        auto second = lock.read();
        CHECK(poll_with(first, reader_task).is_pending());
        CHECK(poll_with(second, reader_task).is_pending());
        held.reset();
        CHECK(writer_task.count() == 1);
        CHECK(reader_task.count() == 0);
        { const auto guard = poll_with(writing, writer_task); }
        CHECK(reader_task.count() == 2);
        const auto one = poll_with(first, reader_task);
        const auto other = poll_with(second, reader_task);
        CHECK(one.has_value());
        CHECK(other.has_value());
    }

    TEST_CASE("write: a writer that is dropped lets the readers behind it go on") {
        async_rw_lock<int> lock(0);
        wake_counter writer_task;
        wake_counter reader_task;
        const auto held = lock.try_read();
        std::optional writing(lock.write());
        auto reading = lock.read();
        CHECK(poll_with(*writing, writer_task).is_pending());
        CHECK(poll_with(reading, reader_task).is_pending());
        writing.reset();
        CHECK(reader_task.count() == 1);
        CHECK(poll_with(reading, reader_task).has_value());
        CHECK(lock.try_read().has_value());
    }

    TEST_CASE("write: granted and dropped, it passes the lock on") {
        async_rw_lock<int> lock(0);
        wake_counter task;
        wake_counter next_task;
        auto held = lock.try_write();
        std::optional granted(lock.write());
        auto next = lock.write();
        CHECK(poll_with(*granted, task).is_pending());
        CHECK(poll_with(next, next_task).is_pending());
        held.reset();
        granted.reset();
        CHECK(next_task.count() == 1);
        CHECK(poll_with(next, next_task).has_value());
    }

    TEST_CASE("with the budget spent it keeps the lock, or gives it back when it is dropped") {
        async_rw_lock<int> lock(0);
        wake_counter task;
        std::optional fut(lock.write());
        CHECK(poll_without_budget(*fut, task).is_pending());
        CHECK(task.count() == 1);
        CHECK_FALSE(lock.try_read().has_value());
        SUBCASE("kept") { CHECK(poll_with(*fut, task).has_value()); }
        SUBCASE("dropped") { fut.reset(); }
        CHECK(lock.try_write().has_value());
    }

    TEST_CASE("nothing is allocated") {
        wake_counter task;
        const auto waker = task.waker();
        pollux::context cx(waker);
        const pollux::test::heap_counter heap;
        {
            async_rw_lock<int> lock(0);
            auto reading = lock.read();
            auto writing = lock.write();
            auto guard = reading.poll(cx);
            CHECK(writing.poll(cx).is_pending());
            guard = pollux::pending;
            CHECK(writing.poll(cx).has_value());
        }
        CHECK(heap.by_this_thread() == 0);
    }

    TEST_CASE("under every seed no reader sees the value change, and no write is lost") {
        for (std::uint64_t seed = 1; seed <= 30; ++seed) {
            CAPTURE(seed);
            pollux::testing::sim_runtime sim(seed);
            async_rw_lock<int> lock(0);
            int changed = 0;
            for (int i = 0; i != 5; ++i) {
                sim.spawn(adds_one(lock)).detach();
                sim.spawn(reads_twice(lock, changed)).detach();
            }
            sim.advance(std::chrono::nanoseconds(0));
            CHECK(**lock.try_read() == 5);
            CHECK(changed == 0);
        }
    }
}
