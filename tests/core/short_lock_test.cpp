// SPDX-License-Identifier: MIT
#include "pollux/core/short_lock.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "support/wait_until.hpp"

using pollux::detail::lock_scope;
using pollux::detail::short_lock;

TEST_SUITE("core/short_lock") {
    TEST_CASE("short_lock: try_lock gets it while nobody has it") {
        short_lock lock;
        CHECK(lock.try_lock());
        CHECK(!lock.try_lock());
        lock.unlock();
        {
            const lock_scope guard(lock);
            CHECK(!lock.try_lock());
        }
        CHECK(lock.try_lock());
        lock.unlock();
    }

    TEST_CASE("try_unlock: gives it back where nobody sleeps, and else leaves it to unlock()") {
        short_lock lock;
        lock.lock();
        CHECK(lock.try_unlock());
        REQUIRE(lock.try_lock());
        bool is_through = false;
        std::jthread other([&] {
            const lock_scope guard(lock);
            is_through = true;
        });
        // It looks again for a moment before it sleeps, and may come in between.
        pollux::test::wait_until([&] {
            if (!lock.try_unlock()) return true;
            lock.lock();
            return is_through;
        });
        lock.unlock();
        other.join();
        CHECK(is_through);
        CHECK(lock.try_lock());
        lock.unlock();
    }

    TEST_CASE("short_lock: two threads never hold it at once") {
        constexpr int threads = 3, turns = 20'000;
        short_lock lock;
        long count = 0;
        std::vector<std::jthread> all;
        for (int i = 0; i != threads; ++i)
            all.emplace_back([&] {
                for (int turn = 0; turn != turns; ++turn) {
                    const lock_scope guard(lock);
                    ++count;
                }
            });
        all.clear();
        CHECK(count == long{threads} * turns);
    }

    TEST_CASE("short_lock: who has found it taken for long gets it, however many there are") {
        constexpr int threads = 4, rounds = 200;
        short_lock lock;
        for (int round = 0; round != rounds; ++round) {
            std::atomic<int> arrived = 0, through = 0;
            std::vector<std::jthread> all;
            lock.lock();
            for (int i = 0; i != threads; ++i)
                all.emplace_back([&] {
                    ++arrived;
                    const lock_scope guard(lock);
                    ++through;
                });
            pollux::test::wait_until([&] { return arrived == threads; });
            CHECK(through == 0);
            lock.unlock();
            all.clear();
            CHECK(through == threads);
        }
    }
}
