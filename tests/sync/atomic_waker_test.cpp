// SPDX-License-Identifier: MIT
#include "pollux/sync/atomic_waker.hpp"

#include "support/wake_counter.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

using pollux::sync::atomic_waker;
using pollux::test::wake_counter;

}  // namespace

TEST_SUITE("sync/atomic_waker") {
    TEST_CASE("wake: wakes the stored waker once and lets go of it") {
        wake_counter task;
        atomic_waker cell;
        cell.store(task.waker());
        CHECK(task.count() == 0);
        CHECK(task.is_kept());
        cell.wake();
        CHECK(task.count() == 1);
        CHECK_FALSE(task.is_kept());
        cell.wake();
        CHECK(task.count() == 1);
    }

    TEST_CASE("wake: does nothing if no waker was ever stored") {
        atomic_waker cell;
        cell.wake();
        CHECK_FALSE(static_cast<bool>(cell.take()));
    }

    TEST_CASE("wake: one that comes before the store is not remembered") {
        wake_counter task;
        atomic_waker cell;
        cell.wake();
        cell.store(task.waker());
        CHECK(task.count() == 0);
        cell.wake();
        CHECK(task.count() == 1);
    }

    TEST_CASE("store: the latest waker wins, and the one before is dropped unwoken") {
        wake_counter first;
        wake_counter second;
        atomic_waker cell;
        cell.store(first.waker());
        cell.store(second.waker());
        CHECK_FALSE(first.is_kept());
        cell.wake();
        CHECK(first.count() == 0);
        CHECK(second.count() == 1);
    }

    TEST_CASE("store: the same waker again stays stored") {
        wake_counter task;
        atomic_waker cell;
        const auto waker = task.waker();
        cell.store(waker);
        cell.store(waker);
        CHECK(task.count() == 0);
        cell.wake();
        CHECK(task.count() == 1);
    }

    TEST_CASE("take: hands out the waker unwoken, once") {
        wake_counter task;
        atomic_waker cell;
        cell.store(task.waker());
        const auto taken = cell.take();
        CHECK(task.count() == 0);
        CHECK(taken.will_wake(task.waker()));
        CHECK_FALSE(static_cast<bool>(cell.take()));
        cell.wake();
        CHECK(task.count() == 0);
    }

    TEST_CASE("the destructor drops the stored waker unwoken") {
        wake_counter task;
        {
            atomic_waker cell;
            cell.store(task.waker());
            CHECK(task.is_kept());
        }
        CHECK_FALSE(task.is_kept());
        CHECK(task.count() == 0);
    }

    TEST_CASE("a waker may store and wake again from inside its wake-up") {
        wake_counter task;
        wake_counter other;
        atomic_waker cell;
        task.on_wake([&] {
            cell.wake();  // finds nothing
            cell.store(other.waker());
        });
        cell.store(task.waker());
        cell.wake();
        CHECK(task.count() == 1);
        CHECK(other.count() == 0);
        cell.wake();
        CHECK(task.count() == 1);
        CHECK(other.count() == 1);
    }
}

TEST_SUITE("sync/atomic_waker stress") {
    TEST_CASE("no event of many threads is slept through") {
        constexpr int threads = 3;
        constexpr int rounds = 2000;
        atomic_waker cell;
        std::atomic<int> events{0};
        std::atomic<int> wakes{0};
        wake_counter task;
        task.on_wake([&] {
            ++wakes;
            wakes.notify_one();
        });

        std::vector<std::thread> others;
        for (int i = 0; i != threads; ++i) {
            others.emplace_back([&] {
                for (int round = 0; round != rounds; ++round) {
                    events.fetch_add(1, std::memory_order::relaxed);
                    cell.wake();
                }
            });
        }
        for (;;) {
            const int woken = wakes.load();
            cell.store(task.waker());
            if (events.load(std::memory_order::relaxed) == threads * rounds) break;
            wakes.wait(woken);
        }
        for (auto& thread : others) thread.join();
        static_cast<void>(cell.take());  // the last wake-up may have come behind the last store, or not
        CHECK_FALSE(task.is_kept());
    }
}
