// SPDX-License-Identifier: MIT
#include "pollux/sync/async_mutex.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "support/heap_counter.hpp"
#include "support/spent_budget.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::sync::async_mutex;
using pollux::test::poll_with;
using pollux::test::poll_without_budget;
using pollux::test::wake_counter;
using pollux::testing::poll_once;

// Reads, lets others run, and writes: a turn is lost if two are inside.
pollux::task<> adds_one(async_mutex<int>& mutex) {
    auto guard = co_await mutex.lock();
    const int read = *guard;
    co_await pollux::yield_now();
    *guard = read + 1;
}

pollux::task<> throws_inside(async_mutex<int>& mutex) {
    auto guard = co_await mutex.lock();
    *guard = 7;
    throw std::runtime_error("inside");
}

}  // namespace

TEST_SUITE("sync/async_mutex") {
    TEST_CASE("a mutex is small beside its value, and lock() is a future of a guard that cannot fail") {
        using future_type = decltype(std::declval<async_mutex<int>&>().lock());
        static_assert(pollux::future<future_type>);
        static_assert(std::is_same_v<future_type::value_type, async_mutex<int>::guard>);
        static_assert(std::is_same_v<future_type::error_type, pollux::never>);
        static_assert(!std::is_copy_constructible_v<async_mutex<int>> &&
                      !std::is_move_constructible_v<async_mutex<int>>);
        static_assert(!std::is_copy_constructible_v<async_mutex<int>::guard>);
        static_assert(std::is_same_v<decltype(async_mutex(std::string())), async_mutex<std::string>>);
        CHECK(sizeof(async_mutex<void*>) <= 64);
    }

    TEST_CASE("lock: is lazy, and the guard is the value until it is destroyed") {
        async_mutex<std::string> mutex("a");
        auto fut = mutex.lock();
        CHECK(mutex.try_lock().has_value());
        {
            auto answer = poll_once(fut);
            REQUIRE(answer.has_value());
            *answer.value() += "b";
            CHECK(answer.value()->size() == 2);
            CHECK_FALSE(mutex.try_lock().has_value());
        }
        const auto guard = mutex.try_lock();
        REQUIRE(guard.has_value());
        CHECK(**guard == "ab");
    }

    TEST_CASE("lock: serves in the order of the first polls, and nobody overtakes") {
        async_mutex<int> mutex(0);
        wake_counter first_task;
        wake_counter second_task;
        auto held = mutex.try_lock();
        auto second = mutex.lock();
        auto first = mutex.lock();
        CHECK(poll_with(first, first_task).is_pending());
        CHECK(poll_with(second, second_task).is_pending());
        held.reset();
        CHECK(first_task.count() == 1);
        CHECK(second_task.count() == 0);
        CHECK_FALSE(mutex.try_lock().has_value());
        {
            auto guard = poll_with(first, first_task);
            CHECK(guard.has_value());
            CHECK(poll_with(second, second_task).is_pending());
        }
        CHECK(second_task.count() == 1);
        CHECK(poll_with(second, second_task).has_value());
    }

    TEST_CASE("lock: a waiter that is dropped is passed over, before and after it was given the lock") {
        async_mutex<int> mutex(0);
        wake_counter task;
        wake_counter last_task;
        auto held = mutex.try_lock();
        std::optional dropped_before(mutex.lock());
        std::optional dropped_after(mutex.lock());
        auto last = mutex.lock();
        CHECK(poll_with(*dropped_before, task).is_pending());
        CHECK(poll_with(*dropped_after, task).is_pending());
        CHECK(poll_with(last, last_task).is_pending());
        dropped_before.reset();
        held.reset();
        CHECK(task.count() == 1);
        CHECK(last_task.count() == 0);
        dropped_after.reset();
        CHECK(last_task.count() == 1);
        CHECK_FALSE(task.is_kept());
        CHECK(poll_with(last, last_task).has_value());
        CHECK(mutex.try_lock().has_value());
    }

    TEST_CASE("lock: with the budget spent it keeps the lock, or gives it back when it is dropped") {
        async_mutex<int> mutex(0);
        wake_counter task;
        std::optional fut(mutex.lock());
        CHECK(poll_without_budget(*fut, task).is_pending());
        CHECK(task.count() == 1);
        CHECK_FALSE(mutex.try_lock().has_value());
        SUBCASE("kept") { CHECK(poll_with(*fut, task).has_value()); }
        SUBCASE("dropped") { fut.reset(); }
        CHECK(mutex.try_lock().has_value());
    }

    TEST_CASE("a guard that is moved is one guard, and one that is assigned to lets go") {
        async_mutex<int> one(1);
        async_mutex<int> other(2);
        auto guard = pollux::block_on(one.lock());
        auto moved = std::move(guard);
        CHECK(*moved == 1);
        CHECK_FALSE(one.try_lock().has_value());
        moved = pollux::block_on(other.lock());
        CHECK(one.try_lock().has_value());
        CHECK(*moved == 2);
    }

    TEST_CASE("a value may be move-only, immovable or made from several arguments") {
        struct immovable {
            immovable(int a, int b) : sum(a + b) {}
            immovable(immovable&&) = delete;
            int sum;
        };
        async_mutex<immovable> made(2, 3);
        CHECK((*made.try_lock())->sum == 5);
        async_mutex<std::unique_ptr<int>> owned(std::make_unique<int>(4));
        CHECK(***owned.try_lock() == 4);
        async_mutex<pollux::unit> nothing;
        CHECK(nothing.try_lock().has_value());
    }

    TEST_CASE("an exception that leaves the guard's scope gives the lock back and poisons nothing") {
        async_mutex<int> mutex(0);
        CHECK_THROWS_AS(pollux::block_on(throws_inside(mutex)), std::runtime_error);
        const auto guard = mutex.try_lock();
        REQUIRE(guard.has_value());
        CHECK(**guard == 7);
    }

    TEST_CASE("lock_owned: future and guard keep the mutex") {
        auto shared = std::make_shared<async_mutex<int>>(3);
        const std::weak_ptr<async_mutex<int>> seen = shared;
        std::optional<async_mutex<int>::owned_guard> guard;
        {
            auto fut = lock_owned(std::move(shared));
            auto answer = poll_once(fut);
            REQUIRE(answer.has_value());
            guard = std::move(answer.value());
        }
        CHECK(**guard == 3);
        auto waits = async_mutex<int>::lock_owned(seen.lock());
        wake_counter task;
        CHECK(poll_with(waits, task).is_pending());
        guard.reset();
        CHECK(task.count() == 1);
        CHECK_FALSE(seen.expired());
        { auto last = poll_with(waits, task); }
        CHECK(seen.expired());
    }

    TEST_CASE("nothing is allocated") {
        wake_counter task;
        const auto waker = task.waker();
        pollux::context cx(waker);
        const pollux::test::heap_counter heap;
        {
            async_mutex<int> mutex(0);
            auto first = mutex.lock();
            auto second = mutex.lock();
            auto guard = first.poll(cx);
            CHECK(second.poll(cx).is_pending());
            guard = pollux::pending;
            CHECK(second.poll(cx).has_value());
        }
        CHECK(heap.by_this_thread() == 0);
    }

    TEST_CASE("the value may be one whose address cannot be asked for") {
        struct shy {
            int number;
            shy* operator&() = delete;
        };
        async_mutex<shy> mutex(shy{3});
        const auto guard = mutex.try_lock();
        REQUIRE(guard.has_value());
        CHECK((*guard)->number == 3);
    }

    TEST_CASE("under every seed one task at a time is inside, across its awaits") {
        for (std::uint64_t seed = 1; seed <= 30; ++seed) {
            CAPTURE(seed);
            pollux::testing::sim_runtime sim(seed);
            async_mutex<int> mutex(0);
            for (int i = 0; i != 10; ++i) sim.spawn(adds_one(mutex)).detach();
            sim.advance(std::chrono::nanoseconds(0));
            CHECK(**mutex.try_lock() == 10);
        }
    }
}
