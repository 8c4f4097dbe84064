// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/fork_all.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/task_scope.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "support/everywhere.hpp"
#include "support/manual_event.hpp"
#include "support/polled_times.hpp"
#include "support/small_tasks.hpp"
#include "support/tracked.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using pollux::scope;
using pollux::task;
using pollux::task_cancelled;
using pollux::task_scope;
using pollux::test::gives_everywhere;
using pollux::test::manual_event;
using pollux::test::polled_times;
using pollux::test::tracked;
using pollux::test::wait_until;
using pollux::test::waits;
using pollux::test::workers;
using pollux::test::yields_for_ever;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;
using namespace std::chrono_literals;

task<> yields(int times) {
    for (int i = 0; i != times; ++i) co_await pollux::yield_now();
}
task<> counts_its_end(int polls, std::atomic<int>& ended) {
    co_await yields(polls);
    ++ended;
}

// Adds up what it finds in `from`, in every poll and at its end.
task<> reads(const std::vector<int>& from, int polls, std::atomic<int>& alive) {
    struct looks_again {
        const std::vector<int>& at;
        std::atomic<int>& alive;
        looks_again(const std::vector<int>& v, std::atomic<int>& a) : at(v), alive(a) { ++alive; }
        looks_again(const looks_again&) = delete;
        ~looks_again() { alive -= at.back(); }
    };
    const looks_again local(from, alive);
    for (int i = 0; i != polls; ++i) {
        if (from.front() != 1) alive += 1000;
        co_await pollux::yield_now();
    }
}

// A scope whose children borrow from this frame, dropped after `polls` polls. How many children live then; 100 more if it was ready.
task<int> drops_after(int polls) {
    std::atomic<int> alive = 0;
    int result = 0;
    {
        const std::vector<int> numbers(10, 1);  // goes after the scope, or children find it gone
        auto some_polls =
            polled_times(task_scope([&](scope<>& s) -> task<> {
                             for (int i = 0; i != 6; ++i) s.spawn(reads(numbers, i % 3, alive));
                             s.spawn([&]() -> task<> {
                                 co_await task_scope([&](scope<>& inner) {
                                     inner.spawn(reads(numbers, 2, alive));
                                     s.spawn(reads(numbers, 1, alive));
                                 });
                             });
                             s.spawn([&]() -> task<> {
                                 co_await pollux::fork_join(reads(numbers, 2, alive), reads(numbers, 3, alive));
                             });
                             co_await yields(3);
                             s.spawn(reads(numbers, 2, alive));
                         }),
                         polls);
        const bool is_ready = co_await some_polls;
        result = is_ready ? 100 : 0;
    }
    co_return result + alive;
}

task<> spawns_a_tree(scope<>& s, int depth, std::atomic<int>& leaves) {
    co_await pollux::yield_now();
    if (depth == 0) {
        ++leaves;
        co_return;
    }
    s.spawn(spawns_a_tree(s, depth - 1, leaves));
    s.spawn(spawns_a_tree(s, depth - 1, leaves));
}

task<int> scopes_in_scopes(int depth) {
    if (depth == 0) co_return 1;
    std::atomic<int> sum = 0;
    co_await task_scope([&](scope<>& s) {
        for (int i = 0; i != 3; ++i) s.spawn([&]() -> task<> { sum += co_await scopes_in_scopes(depth - 1); });
    });
    co_return sum.load();
}

// Holds a scope, with children of each kind, that does not end by itself.
task<> holds_a_scope(std::atomic<int>& alive) {
    const std::vector<int> numbers(10, 1);
    co_await task_scope([&](scope<>& s) -> task<> {
        s.spawn(yields_for_ever(alive));
        s.spawn(waits(manual_event(), alive));
        s.spawn([&]() -> task<> { co_await pollux::fork_join(yields_for_ever(alive), waits(manual_event(), alive)); });
        s.spawn([&]() -> task<> {
            co_await task_scope([&](scope<>& inner) {
                inner.spawn(yields_for_ever(alive));
                inner.spawn(reads(numbers, 1000000000, alive));
            });
        });
        co_await yields_for_ever(alive);
    });
}

// Spawns into its scope when it is destroyed.
class spawns_at_its_end {
public:
    spawns_at_its_end(scope<>& s, std::atomic<int>& ends) noexcept : scope_(&s), ends_(ends) {}
    spawns_at_its_end(spawns_at_its_end&& other) noexcept
        : scope_(std::exchange(other.scope_, nullptr)), ends_(other.ends_) {}
    spawns_at_its_end& operator=(spawns_at_its_end&&) = delete;
    ~spawns_at_its_end() {
        if (scope_ == nullptr) return;
        ++ends_;
        scope_->spawn([] {});
    }
    void operator()() const {}

private:
    scope<>* scope_;
    std::atomic<int>& ends_;
};

task<> scope_of_five(std::atomic<int>& alive) {
    co_await task_scope([&](scope<>& s) {
        for (int i = 0; i != 5; ++i) s.spawn(waits(manual_event(), alive));
    });
}
task<> two_scopes_in_a_scope(std::atomic<int>& alive) {
    co_await task_scope([&](scope<>& s) {
        for (int i = 0; i != 2; ++i) s.spawn(scope_of_five(alive));
    });
}
task<> five_forks(std::atomic<int>& alive) {
    std::vector<task<int>> children;
    for (int i = 0; i != 5; ++i) children.push_back(waits(manual_event(), alive));
    static_cast<void>(co_await pollux::fork_all(std::move(children)));
}
task<> five_forks_below_a_poll(std::atomic<int>& alive) {
    co_await pollux::join(five_forks(alive), pollux::never_ready());
}

// What the end of a runtime with that many tasks moves from full queues: batches of half a queue.
template <class Make>
std::uint64_t overflows_at_the_end(unsigned n_workers, int tasks, int alive_each, Make make) {
    std::atomic<int> alive = 0;
    pollux::runtime rt(workers(n_workers));
    for (int i = 0; i != tasks; ++i) rt.spawn(make(alive)).detach();
    wait_until([&] { return alive == alive_each * tasks; });
    const std::uint64_t before = rt.metrics().overflows;
    rt.shutdown(0s);
    CHECK(alive == 0);
    return rt.metrics().overflows - before;
}

// A future of a current_thread_runtime, polled once: one thread drops it while another ends the runtime.
template <class Make>
void drop_while_runtime_ends(Make make) {
    auto rt = std::make_unique<pollux::current_thread_runtime>();
    std::binary_semaphore is_polled(0);
    std::atomic<bool> goes_on = false;
    std::thread dropping([&] {
        auto fut = make();
        CHECK_FALSE(rt->block_on(polled_times(pollux::by_ref(fut), 1)));
        is_polled.release();
        wait_until([&] { return goes_on.load(); });
    });
    is_polled.acquire();
    goes_on = true;
    rt.reset();
    dropping.join();
}

}  // namespace

TEST_SUITE("scheduler/task_scope/threads") {
    TEST_CASE(
        "task_scope: dropped after any number of polls, it returns when no child lives that may borrow from its "
        "frame") {
        for (int polls = 0; polls != 40; ++polls) {
            CAPTURE(polls);
            for (const unsigned n : {1u, 2u, 4u}) {
                CAPTURE(n);
                pollux::runtime rt(workers(n));
                CHECK(rt.block_on(drops_after(polls)) % 100 == 0);
                CHECK(rt.block_on(rt.spawn(drops_after(polls))) % 100 == 0);
                const auto at_once = pollux::block_on(rt.spawn([polls]() -> task<int> {
                    const auto [a, b] = co_await pollux::fork_join(drops_after(polls), drops_after(polls + 1));
                    co_return a + b;
                }));
                CHECK(at_once % 100 == 0);
            }
            pollux::current_thread_runtime rt;
            CHECK(rt.block_on(drops_after(polls)) % 100 == 0);
            CHECK(rt.block_on(rt.spawn(drops_after(polls))) % 100 == 0);
        }
        gives_everywhere([] { return drops_after(100000000); }, 100);
    }

    TEST_CASE("scope::spawn: children may spawn into their scope") {
        gives_everywhere(
            []() -> task<int> {
                std::atomic<int> leaves = 0;
                co_await task_scope([&](scope<>& s) { s.spawn(spawns_a_tree(s, 8, leaves)); });
                co_return leaves.load();
            },
            256);
    }

    TEST_CASE("task_scope: a scope in a child of a scope") {
        gives_everywhere([] { return scopes_in_scopes(5); }, 243);
    }

    TEST_CASE("task_scope: abort of its task destroys the children, running or waiting, before its frame") {
        for (const unsigned n : {1u, 2u, 4u}) {
            CAPTURE(n);
            std::atomic<int> alive = 0;
            pollux::runtime rt(workers(n));
            for (int round = 0; round != 20; ++round) {
                auto handle = rt.spawn(holds_a_scope(alive));
                wait_until([&] { return alive == 7; });
                handle.abort();
                CHECK_THROWS_AS(pollux::block_on(handle), task_cancelled);
                CHECK(alive == 0);
            }
        }
    }

    TEST_CASE("task_scope: the end of the runtime destroys it with its children, wherever they are") {
        for (const unsigned n : {1u, 2u, 4u}) {
            CAPTURE(n);
            for (int round = 0; round != 10; ++round) {
                std::atomic<int> alive = 0;
                {
                    pollux::runtime rt(workers(n));
                    rt.spawn(holds_a_scope(alive)).detach();
                    rt.spawn(holds_a_scope(alive)).detach();
                    if (round % 2 == 0) wait_until([&] { return alive == 14; });
                }
                CHECK(alive == 0);
            }
        }
        std::atomic<int> alive = 0;
        {
            pollux::current_thread_runtime rt;
            rt.spawn(holds_a_scope(alive)).detach();
            while (alive != 7) rt.poll_once();
        }
        CHECK(alive == 0);
    }

    TEST_CASE(
        "task_scope: polled on a thread that is no worker, its children run on the workers, and dropping it waits "
        "there") {
        std::atomic<int> alive = 0;
        for (const unsigned n : {1u, 2u}) {
            CAPTURE(n);
            pollux::runtime rt(workers(n));
            std::thread::id ran_on;
            rt.block_on(task_scope([&](scope<>& s) { s.spawn([&] { ran_on = std::this_thread::get_id(); }); }));
            CHECK(ran_on != std::thread::id());
            CHECK(ran_on != std::this_thread::get_id());
            for (int polls = 1; polls != 20; ++polls) {
                CAPTURE(polls);
                const auto fut = [&] {
                    return task_scope([&](scope<>& s) {
                        for (int i = 0; i != 4; ++i) s.spawn(yields_for_ever(alive));
                    });
                };
                CHECK_FALSE(rt.block_on(polled_times(fut(), polls)));
                CHECK(alive == 0);
            }
        }
    }

    // Each turned over all that was queued, once for each child: 4,000 such tasks took more than 40 s to end.
    TEST_CASE("task_scope: a parent ends its children at the end of the runtime without a look through the queues") {
        for (const unsigned n : {1u, 2u, 4u}) {
            CAPTURE(n);
            CHECK(overflows_at_the_end(n, 1000, 5, scope_of_five) < 1000);
            CHECK(overflows_at_the_end(n, 500, 10, two_scopes_in_a_scope) < 1000);
            CHECK(overflows_at_the_end(n, 1000, 5, five_forks_below_a_poll) < 1000);
        }
    }

    TEST_CASE("task_scope: the end of the runtime destroys children whose scope goes later, in no task") {
        for (const unsigned n : {1u, 2u, 4u}) {
            CAPTURE(n);
            std::atomic<int> alive = 0;
            pollux::runtime rt(workers(n));
            auto scoped = task_scope([&](scope<>& s) {
                for (int i = 0; i != 5; ++i) s.spawn(waits(manual_event(), alive));
                s.spawn(scope_of_five(alive));
            });
            CHECK_FALSE(rt.block_on(polled_times(pollux::by_ref(scoped), 1)));
            auto forks = five_forks(alive);
            CHECK_FALSE(rt.block_on(polled_times(pollux::by_ref(forks), 1)));
            wait_until([&] { return alive == 15; });
            CHECK(rt.shutdown(0s).cancelled == 16);
            CHECK(alive == 0);
        }
    }

    TEST_CASE("task_scope: of a current_thread_runtime that nobody drives may be dropped") {
        std::atomic<int> alive = 0;
        pollux::current_thread_runtime rt;
        const auto guard = rt.handle().enter();
        {
            auto fut = task_scope([&](scope<>& s) {
                s.spawn(yields_for_ever(alive));
                s.spawn(waits(manual_event(), alive));
            });
            assert_pending(poll_once(fut));
            rt.poll_once();
            CHECK(alive == 2);
        }
        CHECK(alive == 0);
    }

    // Both ran the children, and one end was not counted.
    TEST_CASE("task_scope: may be dropped on one thread while its current_thread_runtime ends on another") {
        std::atomic<int> alive = 0;
        const auto scoped = [&] {
            return task_scope([&](scope<>& s) {
                for (int i = 0; i != 50; ++i) s.spawn(waits(manual_event(), alive));
                return pollux::never_ready();
            });
        };
        for (int round = 0; round != 100; ++round) {
            drop_while_runtime_ends(scoped);
            REQUIRE(alive == 0);
        }
    }

    TEST_CASE("fork_all: below a plain poll may be dropped on one thread while its runtime ends on another") {
        std::atomic<int> alive = 0;
        const auto forks = [&]() -> task<> {
            std::vector<task<>> children;
            for (int i = 0; i != 20; ++i) children.push_back(yields_for_ever(alive));
            co_await pollux::fork_all(std::move(children));
        };
        for (int round = 0; round != 100; ++round) {
            drop_while_runtime_ends(forks);
            REQUIRE(alive == 0);
        }
    }

    TEST_CASE(
        "task_scope: if the end of the runtime cancels a child, or comes before it, the scope throws task_cancelled") {
        std::atomic<int> alive = 0;
        int polls = 0;
        for (const bool has_child : {false, true}) {
            CAPTURE(has_child);
            scope<>* inside = nullptr;
            auto fut = task_scope([&](scope<>& s) {
                inside = &s;
                if (has_child) s.spawn(waits(manual_event(), alive));
                return pollux::never_ready();
            });
            {
                pollux::runtime rt(workers(2));
                const auto guard = rt.handle().enter();
                assert_pending(poll_once(fut));
            }
            CHECK(alive == 0);
            inside->spawn([&] { ++polls; });
            CHECK_THROWS_AS((void)poll_once(fut), task_cancelled);
            CHECK(polls == 0);
        }
    }

    TEST_CASE("scope::spawn: work that is refused is destroyed once, also if that cancels the scope") {
        std::atomic<int> ends = 0;
        std::atomic<bool> is_in_scope = false;
        {
            pollux::runtime rt(workers(2));
            const auto handle = rt.handle();
            rt.spawn([&]() -> task<> {
                  co_await task_scope([&](scope<>& s) {
                      is_in_scope = true;
                      wait_until([&] { return handle.spawn(pollux::ready(1)).is_finished(); });  // refused
                      s.spawn(spawns_at_its_end(s, ends));
                  });
              }).detach();
            wait_until([&] { return is_in_scope.load(); });
            rt.shutdown(1h);
        }
        CHECK(ends == 1);
    }

    TEST_CASE("task_scope: thousands of children, awaited and dropped") {
        gives_everywhere(
            []() -> task<int> {
                std::atomic<int> ended = 0;
                std::atomic<int> alive = 0;
                co_await task_scope([&](scope<>& s) {
                    for (int i = 0; i != 5000; ++i) s.spawn(counts_its_end(i % 3, ended));
                });
                {
                    auto dropped = polled_times(task_scope([&](scope<>& s) {
                                                    for (int i = 0; i != 5000; ++i) s.spawn(yields_for_ever(alive));
                                                }),
                                                3);
                    co_await dropped;
                }
                co_return ended + alive;
            },
            5000);
    }
}
