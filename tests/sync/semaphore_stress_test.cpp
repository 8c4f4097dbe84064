// SPDX-License-Identifier: MIT
// Threads and workers against one semaphore: permits are never more than there are, none is lost, nobody is forgotten; waiters
// are dropped at any moment.
#include "pollux/sync/semaphore.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "support/polled_times.hpp"
#include "support/together.hpp"
#include "support/wake_counter.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::sync::semaphore;
using pollux::test::on_threads;
using pollux::test::polled_times;
using pollux::test::workers;

constexpr std::size_t all = 3;

// Who holds permits counts them here.
struct held_permits {
    void take(std::size_t n) {
        if (held.fetch_add(n) + n > all) ++too_many;
    }
    void give(std::size_t n) { held.fetch_sub(n); }

    std::atomic<std::size_t> held{0};
    std::atomic<int> too_many{0};
};

task<int> takes_turns(semaphore& permits, held_permits& seen, unsigned seed) {
    std::minstd_rand random(seed);
    int got = 0;
    for (int n = 0; n != 100; ++n) {
        const std::size_t wanted = 1 + random() % all;
        if (random() % 4 == 0) {
            const int polls = static_cast<int>(random() % 3);
            co_await polled_times(permits.acquire(wanted), polls);
            continue;
        }
        auto permit = co_await permits.acquire(wanted);
        if (!permit.has_value()) co_return -1;
        seen.take(wanted);
        ++got;
        if (random() % 2 == 0) co_await pollux::yield_now();
        seen.give(wanted);
    }
    co_return got;
}

}  // namespace

TEST_SUITE("sync/semaphore_stress") {
    TEST_CASE("acquire: threads without a runtime wait, take, drop and try, and every permit comes back") {
        for (int round = 0; round != 50; ++round) {
            CAPTURE(round);
            semaphore permits(all);
            held_permits seen;
            std::atomic<int> failed{0};
            on_threads(4, [&](unsigned i) {
                std::minstd_rand random(static_cast<unsigned>(round) * 4 + i + 1);
                pollux::test::wake_counter counter;
                for (int n = 0; n != 100; ++n) {
                    const std::size_t wanted = 1 + random() % all;
                    switch (random() % 4) {
                        case 0: {
                            auto given_up = permits.acquire(wanted);
                            if (poll_with(given_up, counter).is_pending()) std::this_thread::yield();
                            break;
                        }
                        case 1: {
                            const auto permit = permits.try_acquire(wanted);
                            if (!permit.has_value()) break;
                            seen.take(wanted);
                            seen.give(wanted);
                            break;
                        }
                        default: {
                            const auto permit = pollux::block_on(permits.acquire(wanted));
                            if (!permit.has_value()) {
                                ++failed;
                                break;
                            }
                            seen.take(wanted);
                            if (random() % 2 == 0) std::this_thread::yield();
                            seen.give(wanted);
                        }
                    }
                }
            });
            CHECK(failed == 0);
            CHECK(seen.too_many == 0);
            CHECK(permits.available() == all);
        }
    }

    TEST_CASE("acquire: tasks on two workers and a thread take turns, and drop what they wait for") {
        pollux::runtime rt(workers(2));
        for (unsigned round = 0; round != 10; ++round) {
            CAPTURE(round);
            semaphore permits(all);
            held_permits seen;
            std::vector<pollux::join_handle<int>> tasks;
            for (unsigned i = 0; i != 8; ++i)
                tasks.push_back(rt.spawn(takes_turns(permits, seen, round * 100 + i + 1)));
            const int got = pollux::block_on(takes_turns(permits, seen, round * 100 + 99));
            CHECK(got > 0);
            for (auto& each : tasks) {
                const int others = rt.block_on(each);
                CHECK(others > 0);
            }
            CHECK(seen.too_many == 0);
            CHECK(permits.available() == all);
        }
    }

    TEST_CASE("abort: tasks that wait or hold are aborted, and what they had goes to the others") {
        pollux::runtime rt(workers(2));
        for (unsigned round = 0; round != 50; ++round) {
            CAPTURE(round);
            const auto permits = std::make_shared<semaphore>(all);
            held_permits seen;
            std::vector<pollux::join_handle<int>> aborted;
            std::vector<pollux::join_handle<int>> left;
            for (unsigned i = 0; i != 5; ++i) {
                aborted.push_back(rt.spawn([](std::shared_ptr<semaphore> from) -> task<int> {
                    for (;;) {
                        const auto permit = co_await acquire_owned(from, 2);
                        co_await pollux::yield_now();
                    }
                }(permits)));
                left.push_back(rt.spawn(takes_turns(*permits, seen, round * 10 + i + 1)));
            }
            for (auto& each : aborted) each.abort_handle().abort();
            for (auto& each : left) {
                const int got = rt.block_on(each);
                CHECK(got > 0);
            }
            for (auto& each : aborted) CHECK_THROWS(rt.block_on(each));
            CHECK(permits->available() == all);
        }
    }

    TEST_CASE("close: against acquire and add_permits, whoever waits gets a permit or the end") {
        for (unsigned round = 0; round != 500; ++round) {
            CAPTURE(round);
            semaphore permits(0);
            std::atomic<int> granted{0};
            std::atomic<int> refused{0};
            on_threads(4, [&](unsigned i) {
                if (i == 0) {
                    permits.add_permits(1);
                    permits.close();
                    return;
                }
                auto permit = pollux::block_on(permits.acquire());
                if (!permit.has_value()) {
                    ++refused;
                    return;
                }
                ++granted;
                permit->forget();
            });
            CHECK(granted + refused == 3);
            CHECK(static_cast<std::size_t>(granted.load()) + permits.available() == 1);
        }
    }

    TEST_CASE("a semaphore that says that something is done may be destroyed at once by who has waited for it") {
        for (int round = 0; round != 2000; ++round) {
            auto done = std::make_unique<semaphore>(0);
            std::thread says([told = done.get()] { told->add_permits(1); });
            auto outcome = pollux::block_on(done->acquire());
            const bool is_told = outcome.has_value();
            if (is_told) outcome->forget();
            done.reset();
            says.join();
            CHECK(is_told);
        }
    }
}
