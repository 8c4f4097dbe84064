// SPDX-License-Identifier: MIT
// Threads and workers against notify, async_mutex, async_rw_lock, barrier and once_cell; waiters are dropped at any moment,
// and what they were given goes to others. Those who wait end, and nobody is where another is.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/sync/async_mutex.hpp"
#include "pollux/sync/async_rw_lock.hpp"
#include "pollux/sync/barrier.hpp"
#include "pollux/sync/notify.hpp"
#include "pollux/sync/once_cell.hpp"
#include "support/polled_times.hpp"
#include "support/together.hpp"
#include "support/wake_counter.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::sync::async_mutex;
using pollux::sync::async_rw_lock;
using pollux::sync::barrier;
using pollux::sync::notify;
using pollux::sync::once_cell;
using pollux::test::on_threads;
using pollux::test::polled_times;
using pollux::test::workers;

// Plain numbers that are equal while nobody writes.
struct twins {
    int first = 0;
    int second = 0;
};

task<int> adds(async_mutex<twins>& mutex, unsigned seed) {
    std::minstd_rand random(seed);
    int added = 0;
    for (int n = 0; n != 100; ++n) {
        if (random() % 4 == 0) {
            const int polls = static_cast<int>(random() % 3);
            co_await polled_times(mutex.lock(), polls);
            continue;
        }
        auto guard = co_await mutex.lock();
        const int read = ++guard->first;
        if (random() % 2 == 0) co_await pollux::yield_now();
        if (guard->second != read - 1) co_return -1;
        guard->second = read;
        ++added;
    }
    co_return added;
}

task<int> reads_and_writes(async_rw_lock<twins>& lock, unsigned seed) {
    std::minstd_rand random(seed);
    int written = 0;
    for (int n = 0; n != 100; ++n) {
        const int polls = static_cast<int>(random() % 3);
        switch (random() % 6) {
            case 0: co_await polled_times(lock.write(), polls); break;
            case 1: co_await polled_times(lock.read(), polls); break;
            case 2: {
                auto guard = co_await lock.write();
                const int read = ++guard->first;
                co_await pollux::yield_now();
                guard->second = read;
                ++written;
                break;
            }
            default: {
                const auto guard = co_await lock.read();
                if (guard->first != guard->second) co_return -1;
                const int read = guard->first;
                co_await pollux::yield_now();
                if (guard->first != read || guard->second != read) co_return -1;
            }
        }
    }
    co_return written;
}

// Adds up what all give, or -1000 for each that went wrong.
template <class Make>
int sum_everywhere(Make make) {
    pollux::runtime rt(workers(2));
    std::vector<pollux::join_handle<int>> tasks;
    for (unsigned i = 0; i != 6; ++i) tasks.push_back(rt.spawn(make(i + 1)));
    std::atomic<int> sum{0};
    on_threads(2, [&](unsigned i) {
        const int mine = pollux::block_on(make(i + 100));
        sum += mine < 0 ? -1000 : mine;
    });
    for (auto& each : tasks) {
        const int mine = rt.block_on(each);
        sum += mine < 0 ? -1000 : mine;
    }
    return sum;
}

}  // namespace

TEST_SUITE("sync/locks_stress") {
    TEST_CASE("async_mutex: tasks on two workers and threads add, wait and drop, and one is inside at a time") {
        for (unsigned round = 0; round != 5; ++round) {
            CAPTURE(round);
            async_mutex<twins> mutex;
            const int sum = sum_everywhere([&](unsigned seed) { return adds(mutex, round * 1000 + seed); });
            const auto guard = mutex.try_lock();
            REQUIRE(guard.has_value());
            CHECK((*guard)->first == sum);
            CHECK((*guard)->second == sum);
        }
    }

    TEST_CASE("async_rw_lock: tasks on two workers and threads read, write and drop, and no reader sees half a write") {
        for (unsigned round = 0; round != 5; ++round) {
            CAPTURE(round);
            async_rw_lock<twins> lock;
            const int sum = sum_everywhere([&](unsigned seed) { return reads_and_writes(lock, round * 1000 + seed); });
            const auto guard = lock.try_write();
            REQUIRE(guard.has_value());
            CHECK((*guard)->first == sum);
            CHECK((*guard)->second == sum);
        }
    }

    TEST_CASE("notify_one: each is for one of two that take, though waiters are dropped meanwhile") {
        for (int round = 0; round != 100; ++round) {
            CAPTURE(round);
            notify item;
            notify room;
            std::atomic<int> given{0};
            std::atomic<int> taken{0};
            constexpr int all = 50;
            on_threads(4, [&](unsigned i) {
                if (i == 0) {
                    // One at a time: one that is kept is no more than one.
                    for (int n = 0; n != all; ++n) {
                        ++given;
                        item.notify_one();
                        pollux::block_on(room.notified());
                    }
                } else if (i == 1) {
                    pollux::test::wake_counter counter;
                    while (taken != all) {
                        auto fut = item.notified();
                        // What it was given before it could be dropped is passed on by hand.
                        if (poll_with(fut, counter).is_ready()) item.notify_one();
                        std::this_thread::yield();
                    }
                } else {
                    for (;;) {
                        pollux::block_on(item.notified());
                        if (taken == all) break;
                        if (++taken == all) {
                            room.notify_one();
                            break;
                        }
                        room.notify_one();
                    }
                    item.notify_one();  // for the other
                }
            });
            CHECK(given == all);
            CHECK(taken == all);
        }
    }

    TEST_CASE("notify_all: no change is missed by who looks after making its notified") {
        for (int round = 0; round != 300; ++round) {
            CAPTURE(round);
            notify changed;
            std::atomic<int> value{0};
            std::atomic<int> wrong{0};
            on_threads(4, [&](unsigned i) {
                if (i == 0) {
                    for (int n = 0; n != 10; ++n) {
                        ++value;
                        changed.notify_all();
                    }
                    return;
                }
                for (;;) {
                    auto change = changed.notified();
                    if (value.load() == 10) break;
                    pollux::block_on(pollux::by_ref(change));
                    if (value.load() == 0) ++wrong;
                }
            });
            CHECK(wrong == 0);
        }
    }

    TEST_CASE("a notify that says that something is done may be destroyed at once by who has waited for it") {
        int told_in_time = 0;
        for (int round = 0; round != 2000; ++round) {
            std::atomic<bool> is_done{false};
            auto done = std::make_unique<notify>();
            auto told = done->notified();
            std::thread says([&is_done, round, by = done.get()] {
                is_done.store(true, std::memory_order::relaxed);  // the notification makes it visible
                round % 2 == 0 ? by->notify_one() : by->notify_all();
            });
            pollux::block_on(std::move(told));
            if (is_done.load(std::memory_order::relaxed)) ++told_in_time;
            done.reset();
            says.join();
        }
        CHECK(told_in_time == 2000);
    }

    TEST_CASE("barrier: rounds of threads and tasks, with some that come and give up, have one last each") {
        for (int round = 0; round != 50; ++round) {
            CAPTURE(round);
            constexpr int rounds = 20;
            barrier at(3);
            std::atomic<int> come{0};
            std::atomic<int> last{0};
            std::atomic<int> wrong{0};
            on_threads(3, [&](unsigned) {
                for (int n = 1; n <= rounds; ++n) {
                    ++come;
                    if (pollux::block_on(at.wait())) ++last;
                    if (come < 3 * n) ++wrong;
                }
            });
            CHECK(last == rounds);
            CHECK(wrong == 0);
        }
    }

    TEST_CASE("barrier: who gives up is not counted, or was let through with the others") {
        for (int round = 0; round != 500; ++round) {
            CAPTURE(round);
            barrier at(2);
            std::atomic<int> through{0};
            std::atomic<int> last{0};
            on_threads(3, [&](unsigned i) {
                pollux::test::wake_counter counter;
                for (unsigned n = 0; n != 10; ++n) {
                    auto fut = at.wait();
                    for (unsigned polls = 0; polls != 1 + (n + i) % 3; ++polls) {
                        auto answer = poll_with(fut, counter);
                        if (answer.is_pending()) continue;
                        ++through;
                        if (answer.value()) ++last;
                        break;
                    }
                }
            });
            CHECK(through <= 2 * last);
            // Nobody is left in it.
            pollux::test::wake_counter counter;
            auto first = at.wait();
            auto second = at.wait();
            CHECK(poll_with(first, counter).is_pending());
            CHECK(poll_with(second, counter).is_ready());
            CHECK(poll_with(first, counter).is_ready());
        }
    }

    TEST_CASE("once_cell: one value, though initializers fail, throw and are dropped") {
        for (unsigned round = 0; round != 300; ++round) {
            CAPTURE(round);
            once_cell<int> cell;
            std::atomic<int> made{0};
            std::atomic<int> wrong{0};
            std::atomic<int> inside{0};
            on_threads(4, [&](unsigned i) {
                std::minstd_rand random(round * 4 + i + 1);
                pollux::test::wake_counter counter;
                const auto init = [&](unsigned how) -> task<int> {
                    if (++inside != 1) ++wrong;
                    const std::unique_ptr<std::atomic<int>, void (*)(std::atomic<int>*)> leaves(
                        &inside, [](std::atomic<int>* count) { --*count; });
                    co_await pollux::yield_now();
                    if (how == 0) throw std::runtime_error("no value");
                    ++made;
                    co_return 5;
                };
                for (;;) {
                    const unsigned how = static_cast<unsigned>(random() % 3);
                    if (how == 1) {
                        auto dropped = cell.get_or_init([&] { return init(1); });
                        static_cast<void>(poll_with(dropped, counter));
                        continue;
                    }
                    try {
                        const int* const value = pollux::block_on(cell.get_or_init([&] { return init(how); }));
                        if (*value != 5 || value != cell.get()) ++wrong;
                        break;
                    } catch (const std::runtime_error&) {
                        continue;
                    }
                }
            });
            CHECK(made == 1);
            CHECK(wrong == 0);
        }
    }
}
