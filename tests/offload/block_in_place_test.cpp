// SPDX-License-Identifier: MIT
// A task that blocks its worker in block_in_place waits here for what other tasks of the same runtime do: without a thread that
// stands in, each of these tests would hang.
#include "pollux/offload/block_in_place.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/task_local.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/time/sleep.hpp"
#include "support/process_state.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

using namespace std::chrono_literals;
using pollux::block_in_place;
using pollux::spawn;
using pollux::task;
using pollux::test::wait_until;
using pollux::test::workers;

namespace {

constinit pollux::task_local<int> local;

// Ends once `count` calls are inside at once.
task<> waits_in_place(std::latch& all_inside) {
    block_in_place([&] { all_inside.arrive_and_wait(); });
    co_return;
}

task<int> fib_by_forks(int n) {
    if (n < 2) co_return n;
    auto both = co_await pollux::fork_join(fib_by_forks(n - 1), fib_by_forks(n - 2));
    co_return std::get<0>(both) + std::get<1>(both);
}

}  // namespace

TEST_SUITE("offload/block_in_place") {
    TEST_CASE("the result is what the callable returns, a reference too") {
        pollux::runtime rt(workers(1));
        int kept = 4;
        const bool is_same = rt.block_on(rt.spawn([&] {
            decltype(auto) got = block_in_place([&]() -> int& { return kept; });
            static_assert(std::is_same_v<decltype(got), int&>);
            return &got == &kept;
        }));
        CHECK(is_same);
        CHECK(rt.block_on(rt.spawn([] { return *block_in_place([] { return std::make_unique<int>(5); }); })) == 5);
        static_assert(std::is_void_v<decltype(block_in_place([] {}))>);
    }

    TEST_CASE("outside of a task it just calls") {
        CHECK(block_in_place([] { return 1; }) == 1);
        pollux::runtime rt(workers(1));
        CHECK(rt.block_on([] { return block_in_place([] { return 2; }); }) == 2);
        CHECK(rt.block_on(pollux::blocking([] { return block_in_place([] { return 3; }); })) == 3);
        CHECK(rt.block_on(pollux::offload([] { return block_in_place([] { return 4; }); })) == 4);
        pollux::current_thread_runtime driven;
        CHECK(driven.block_on(driven.spawn([] { return block_in_place([] { return 5; }); })) == 5);
    }

    TEST_CASE("meanwhile the tasks behind it on its worker run: those that were queued, and those spawned inside") {
        pollux::runtime rt(workers(1));
        const int sum = rt.block_on(rt.spawn([&]() -> task<int> {
            std::latch done(3);
            auto queued = spawn([&] { return done.count_down(), 1; });
            auto last = spawn([&] { return done.count_down(), 2; });  // in the next slot
            std::optional<pollux::join_handle<int>> inside;
            block_in_place([&] {
                inside.emplace(spawn([&] { return done.count_down(), 4; }));
                done.wait();
            });
            const int a = co_await queued;
            const int b = co_await last;
            const int c = co_await *inside;
            co_return a + b + c;
        }));
        CHECK(sum == 7);
    }

    TEST_CASE("meanwhile the sleeps that the worker has armed come to their ends, and new ones") {
        pollux::runtime rt(workers(1));
        const int answer = rt.block_on(rt.spawn([&]() -> task<int> {
            std::latch slept(2);
            auto before = spawn([&]() -> task<> {
                co_await pollux::sleep_for(2ms);
                slept.count_down();
            });
            co_await pollux::yield_now();  // so that it is asleep
            block_in_place([&] {
                auto inside = spawn([&]() -> task<> {
                    co_await pollux::sleep_for(1ms);
                    slept.count_down();
                });
                slept.wait();
            });
            co_await before;
            co_return 3;
        }));
        CHECK(answer == 3);
    }

    TEST_CASE("block_on inside waits for a task of the same runtime, or for any future") {
        pollux::runtime rt(workers(1));
        const int sum = rt.block_on(rt.spawn([&] {
            return block_in_place([&] {
                const int a = rt.block_on(spawn([] { return 1; }));
                const int b = pollux::block_on(spawn([]() -> task<int> {
                    co_await pollux::sleep_for(1ms);
                    co_return 2;
                }));
                rt.block_on(pollux::sleep_for(1ms));
                return a + b;
            });
        }));
        CHECK(sum == 3);
        const bool is_refused_again = rt.block_on(rt.spawn([&] {
            block_in_place([] {});
            try {
                pollux::block_on(pollux::never_ready());
            } catch (const std::system_error&) {
                return true;
            }
            return false;
        }));
        CHECK(is_refused_again);
    }

    TEST_CASE("inside it is still the same task, with its locals") {
        pollux::runtime rt(workers(1));
        bool is_same_task = false;
        const int seen = rt.block_on(rt.spawn(local.scope(6, pollux::lazy([&] {
                                                              const auto id = pollux::current_task_id();
                                                              return block_in_place([&] {
                                                                  is_same_task = id && pollux::current_task_id() == id;
                                                                  return local.get() != nullptr ? *local.get() : 0;
                                                              });
                                                          }))));
        CHECK(seen == 6);
        CHECK(is_same_task);
    }

    TEST_CASE("what it throws comes out, and the worker is a worker again") {
        pollux::runtime rt(workers(1));
        auto thrower = rt.spawn([]() -> task<int> {
            bool has_thrown = false;
            try {
                block_in_place([] { throw std::length_error("long"); });
            } catch (const std::length_error&) {
                has_thrown = true;
            }
            auto next = spawn([] { return 1; });
            const int one = co_await next;
            const int forked = co_await fib_by_forks(5);
            co_return has_thrown ? one + forked : 0;
        });
        CHECK(rt.block_on(thrower) == 6);
    }

    TEST_CASE("calls inside a call, and a task that goes from one to the next") {
        pollux::runtime rt(workers(1));
        CHECK(rt.block_on(rt.spawn([&] {
            return block_in_place([&] { return block_in_place([&] { return rt.block_on(spawn([] { return 7; })); }); });
        })) == 7);
        CHECK(rt.block_on(rt.spawn([&] {
            int sum = 0;
            for (int i = 0; i != 200; ++i) sum += block_in_place([&] { return rt.block_on(spawn([i] { return i; })); });
            return sum;
        })) == 199 * 200 / 2);
    }

    TEST_CASE("ten at once on one worker: those that stand in get stuck in turn") {
        pollux::runtime rt(workers(1));
        constexpr int count = 10;
        std::latch all_inside(count);
        std::vector<pollux::join_handle<void>> handles;
        for (int i = 0; i != count; ++i) handles.push_back(rt.spawn(waits_in_place(all_inside)));
        for (auto& each : handles) rt.block_on(each);
        CHECK(all_inside.try_wait());
        CHECK(rt.metrics().workers == 1);
    }

    TEST_CASE("forks of a task that blocks in one of them go on elsewhere") {
        pollux::runtime rt(workers(1));
        const auto blocks = [](std::latch& both) -> task<int> {
            both.count_down();
            block_in_place([&] { both.wait(); });
            co_return 1;
        };
        const auto ends = [](std::latch& both) -> task<int> {
            both.count_down();
            co_return 2;
        };
        const int sum = rt.block_on(rt.spawn([&]() -> task<int> {
            std::latch both(2);
            auto results = co_await pollux::fork_join(blocks(both), ends(both));
            co_return std::get<0>(results) + std::get<1>(results);
        }));
        CHECK(sum == 3);
    }

    TEST_CASE("shutdown inside is refused as on a worker") {
        pollux::runtime rt(workers(1));
        const bool is_refused = rt.block_on(rt.spawn([&] {
            return block_in_place([&] {
                try {
                    rt.shutdown(0s);
                } catch (const std::system_error&) {
                    return true;
                }
                return false;
            });
        }));
        CHECK(is_refused);
    }

    TEST_CASE("the end of the runtime waits for a call, which sees its tasks cancelled") {
        std::latch inside(1);
        std::atomic<bool> has_ended{false};
        {
            pollux::runtime rt(workers(1));
            rt.spawn([&] {
                  block_in_place([&] {
                      auto handle = spawn(pollux::never_ready());
                      inside.count_down();
                      try {
                          rt.block_on(handle);
                      } catch (const pollux::task_cancelled&) {
                          has_ended = true;
                      }
                  });
              }).detach();
            inside.wait();
        }
        CHECK(has_ended);
    }

    TEST_CASE("hooks run on the threads that stand in, too; one that throws there stands in later") {
        std::atomic<int> started{0}, stopped{0};
        auto options = workers(1);
        options.on_thread_start = [&] {
            if (++started == 2) throw std::runtime_error("on purpose");
        };
        options.on_thread_stop = [&] { ++stopped; };
        {
            pollux::runtime rt(options);
            rt.block_on(rt.spawn([] { block_in_place([] {}); }));
            // The thread whose hook throws may come after the call is over.
            wait_until([&] { return started == 2; });
            wait_until([&] {
                rt.block_on(rt.spawn([] { block_in_place([] {}); }));
                return started >= 3;
            });
        }
        CHECK(started == stopped + 1);
    }

    TEST_CASE("its threads end when there was nothing to stand in for, and with the runtime") {
        const auto before = pollux::test::threads_of_process();
        for (int i = 0; i != 100; ++i) {
            auto options = workers(1);
            options.blocking_keep_alive = i % 2 == 0 ? 0ns : 10s;
            pollux::runtime rt(options);
            const auto with_workers = pollux::test::threads_of_process();
            rt.block_on(rt.spawn([&] { block_in_place([&] { rt.block_on(spawn([] {})); }); }));
            if (i % 2 == 0) wait_until([&] { return pollux::test::threads_of_process() == with_workers; });
        }
        wait_until([&] { return pollux::test::threads_of_process() == before; });
    }
}

TEST_SUITE("offload/block_in_place stress") {
    TEST_CASE("tasks that block, sleep and wake each other all end") {
        pollux::runtime rt(workers(2));
        constexpr int count = 100;  // of which a quarter blocks at once: there is place for some 60 stand-ins
        std::vector<pollux::join_handle<int>> handles;
        for (int i = 0; i != count; ++i)
            handles.push_back(rt.spawn([&rt, i]() -> task<int> {
                int sum = 0;
                for (int k = 0; k != 5; ++k) {
                    if ((i + k) % 4 == 0)
                        sum += block_in_place([&] { return rt.block_on(spawn([] { return 1; })); });
                    else if ((i + k) % 4 == 1)
                        co_await pollux::sleep_for(100us);
                    else
                        co_await pollux::yield_now();
                }
                co_return sum;
            }));
        int sum = 0;
        for (auto& each : handles) sum += rt.block_on(each);
        CHECK(sum == count * 5 / 4);
    }
}
