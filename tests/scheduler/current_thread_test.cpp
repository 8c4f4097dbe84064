// SPDX-License-Identifier: MIT
#include "pollux/runtime/current_thread_runtime.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/join_handle.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/stream/for_each.hpp"
#include "pollux/stream/repeat.hpp"
#include "pollux/time/sleep.hpp"
#include "pollux/time/timeout.hpp"
#include "support/manual_event.hpp"

namespace {

using pollux::current_thread_runtime;
using pollux::polled;
using pollux::task;
using pollux::test::manual_event;

task<int> waits(manual_event event, int result) {
    auto fut = event.wait();
    co_await fut;
    co_return result;
}
task<> notes(std::vector<int>& order, int n, int times) {
    for (int i = 0; i != times; ++i) {
        order.push_back(n);
        co_await pollux::yield_now();
    }
}

}  // namespace

TEST_SUITE("scheduler/current_thread") {
    TEST_CASE("current_thread_runtime: nothing runs between the calls that drive it") {
        current_thread_runtime rt;
        std::vector<int> order;
        rt.spawn(notes(order, 1, 1)).detach();
        CHECK(order.empty());
        CHECK(rt.run_until_stalled() == 2);
        CHECK(order == std::vector{1});
        CHECK(rt.run_until_stalled() == 0);
        CHECK(rt.poll_once() == 0);
    }

    TEST_CASE("current_thread_runtime: all polls are on the thread that drives") {
        current_thread_runtime rt;
        std::vector<std::thread::id> threads;
        const auto note = [&] { threads.push_back(std::this_thread::get_id()); };
        rt.spawn(note).detach();
        rt.block_on(rt.spawn(note));
        std::thread other([&] {
            rt.spawn(note).detach();
            rt.run_until_stalled();
        });
        const auto other_id = other.get_id();
        other.join();
        CHECK(threads == std::vector{std::this_thread::get_id(), std::this_thread::get_id(), other_id});
    }

    TEST_CASE("poll_once: polls once each task that is ready, also those spawned from outside, and no other") {
        current_thread_runtime rt;
        std::vector<int> order;
        for (int i = 0; i != 5; ++i) rt.spawn(notes(order, i, 3)).detach();
        for (int turn = 1; turn != 4; ++turn) {
            CAPTURE(turn);
            CHECK(rt.poll_once() == 5);
            std::vector<int> counts(5, 0);
            for (const int n : order) ++counts[static_cast<std::size_t>(n)];
            CHECK(counts == std::vector<int>(5, turn));
        }
        CHECK(rt.poll_once() == 5);
        CHECK(rt.poll_once() == 0);
    }

    TEST_CASE("poll_once: a task that wakes itself is polled once a turn, and a task from outside gets its turn") {
        current_thread_runtime rt;
        int own_polls = 0;
        auto wakes_itself = rt.spawn(pollux::poll_fn([&](pollux::context& cx) -> polled<> {
            ++own_polls;
            cx.waker().wake();
            cx.waker().wake();
            return pollux::pending;
        }));
        for (int turn = 1; turn != 10; ++turn) {
            CHECK(rt.poll_once() == 1);
            CHECK(own_polls == turn);
        }
        int other_polls = 0;
        rt.spawn([&] { ++other_polls; }).detach();
        CHECK(rt.poll_once() == 2);
        CHECK(own_polls == 10);
        CHECK(other_polls == 1);
        wakes_itself.abort();
        CHECK(rt.run_until_stalled() == 1);
    }

    TEST_CASE("run_until_stalled: goes on until nothing is ready, also for what tasks wake and spawn") {
        current_thread_runtime rt;
        manual_event event;
        auto waiting = rt.spawn(waits(event, 4));
        std::vector<int> order;
        rt.spawn([&, event]() mutable -> task<> {
              co_await pollux::spawn(notes(order, 1, 2));
              event.set();
          }).detach();
        rt.run_until_stalled();
        CHECK(order.size() == 2);
        CHECK(waiting.is_finished());
        CHECK(rt.metrics().alive_tasks == 0);
    }

    TEST_CASE("block_on: returns while other tasks wait, and they go on at the next call") {
        current_thread_runtime rt;
        manual_event event;
        auto waiting = rt.spawn(waits(event, 4));
        CHECK(rt.block_on(pollux::ready(1)) == 1);
        rt.block_on(pollux::yield_now());
        CHECK(event.polls() == 1);
        event.set();
        CHECK_FALSE(waiting.is_finished());
        CHECK(rt.block_on(std::move(waiting)) == 4);
    }

    TEST_CASE("block_on: its future and the tasks share the thread fairly") {
        current_thread_runtime rt;
        std::vector<int> order;
        auto spawned = rt.spawn(notes(order, 1, 100));
        auto both = pollux::join(notes(order, 0, 100), std::move(spawned));
        rt.block_on(both);
        CHECK(order.size() == 200);
        // Neither gets far ahead of the other.
        int lead = 0;
        int most = 0;
        for (const int n : order) {
            lead += n == 0 ? 1 : -1;
            most = std::max(most, std::abs(lead));
        }
        CHECK(most <= 4);
    }

    TEST_CASE("block_on: a future that is always ready leaves room for the tasks, and for its own timeout") {
        current_thread_runtime rt;
        bool has_run = false;
        auto spawned = rt.spawn([&has_run] { has_run = true; });
        auto endless = pollux::repeat(1) | pollux::for_each([](int) {});
        CHECK_FALSE(rt.block_on(std::move(endless) | pollux::timeout(std::chrono::milliseconds(1))).has_value());
        CHECK(has_run);
        rt.block_on(spawned);
    }

    TEST_CASE("block_on: is woken by another thread that spawns, or that wakes its future") {
        current_thread_runtime rt;
        for (int i = 0; i != 50; ++i) {
            manual_event event;
            const auto handle = rt.handle();
            std::thread other([&, handle] {
                while (event.polls() == 0) std::this_thread::yield();
                if (i % 2 == 0)
                    event.set();
                else
                    handle.spawn([&event] { event.set(); }).detach();
            });
            const int result = rt.block_on(waits(event, i));
            other.join();
            CHECK(result == i);
        }
    }

    TEST_CASE("block_on: an exception leaves the runtime usable") {
        current_thread_runtime rt;
        manual_event event;
        auto waiting = rt.spawn(waits(event, 9));
        CHECK_THROWS_AS(rt.block_on([]() -> int { throw std::runtime_error("out"); }), std::runtime_error);
        event.set();
        CHECK(rt.block_on(std::move(waiting)) == 9);
    }

    TEST_CASE("block_on: a kept waker of its future may be called after the call and after the runtime") {
        pollux::waker kept;
        {
            current_thread_runtime rt;
            rt.block_on(pollux::poll_fn([&](pollux::context& cx) -> polled<> {
                kept = cx.waker();
                return polled<>::ready();
            }));
            kept.wake();
            CHECK(rt.block_on(pollux::ready(2)) == 2);
        }
        kept.wake();
    }

    TEST_CASE("current_thread_runtime: two threads may drive it in turn") {
        current_thread_runtime rt;
        std::atomic<int> done = 0;
        const auto drives = [&] {
            for (int i = 0; i != 200; ++i) {
                const int result = rt.block_on([&]() -> task<int> {
                    const int n = co_await pollux::spawn(pollux::ready(1));
                    co_return n;
                });
                done += result;
            }
        };
        std::thread first(drives);
        std::thread second(drives);
        first.join();
        second.join();
        CHECK(done == 400);
    }

    // It waited for whoever drove, who may have waited for something that only the end of the runtime brings.
    TEST_CASE("current_thread_runtime: shutdown does not wait for the work of the thread that drives it") {
        current_thread_runtime rt;
        manual_event is_polled;
        std::atomic<bool> is_cancelled = false;
        std::thread driving([&] {
            try {
                rt.block_on([&]() -> task<> {
                    is_polled.set();
                    co_await pollux::sleep_for(std::chrono::hours(1));
                });
            } catch (const pollux::task_cancelled&) {
                is_cancelled = true;
            }
        });
        pollux::block_on(is_polled.wait());
        rt.spawn(pollux::never_ready()).detach();
        CHECK(rt.shutdown(std::chrono::seconds(0)).cancelled == 1);
        driving.join();
        CHECK(is_cancelled);
    }

    TEST_CASE("current_thread_runtime: shutdown ends a run_until_stalled that would go on for ever") {
        current_thread_runtime rt;
        std::atomic<bool> is_polled = false;
        rt.spawn([&]() -> task<> {
              for (;;) {
                  is_polled = true;
                  co_await pollux::yield_now();
              }
          }).detach();
        std::thread driving([&] { rt.run_until_stalled(); });
        while (!is_polled) std::this_thread::yield();
        CHECK(rt.shutdown(std::chrono::seconds(0)).cancelled == 1);
        driving.join();
    }

    // It waited for the seat of the thread that waited for the job.
    TEST_CASE(
        "poll_once, run_until_stalled: refused in a job of the runtime while another thread is in block_on, which "
        "works there") {
        current_thread_runtime rt;
        const auto refused = [](auto drive) {
            try {
                drive();
            } catch (const std::system_error& thrown) {
                return thrown.code() == std::errc::resource_deadlock_would_occur;
            }
            return false;
        };
        const bool both = rt.block_on(pollux::blocking([&] {
            const bool once = refused([&] { rt.poll_once(); });
            const bool until_stalled = refused([&] { rt.run_until_stalled(); });
            return once && until_stalled && rt.block_on(pollux::ready(5)) == 5;
        }));
        CHECK(both);
        CHECK(rt.block_on(pollux::ready(6)) == 6);
    }

    TEST_CASE(
        "poll_once: refused in a job of the runtime while another thread is in a run_until_stalled that waits for the "
        "job") {
        current_thread_runtime rt;
        std::atomic<bool> is_done = false;
        bool is_refused = false;
        rt.spawn(pollux::blocking([&] {
              try {
                  rt.poll_once();
              } catch (const std::system_error& thrown) {
                  is_refused = thrown.code() == std::errc::resource_deadlock_would_occur;
              }
              is_done = true;
          }))
            .detach();
        rt.spawn([&]() -> task<> {
              while (!is_done) co_await pollux::yield_now();
          }).detach();
        rt.run_until_stalled();
        CHECK(is_done);
        CHECK(is_refused);
    }

    TEST_CASE("poll_once: in a job of the runtime while another thread shuts it down it is refused") {
        current_thread_runtime rt;
        manual_event is_running;
        std::atomic<bool> is_refused = false;
        rt.spawn(pollux::blocking([&](const std::stop_token& stop) {
              is_running.set();
              while (!stop.stop_requested()) std::this_thread::yield();
              try {
                  rt.poll_once();
              } catch (const std::system_error& thrown) {
                  is_refused = thrown.code() == std::errc::resource_deadlock_would_occur;
              }
          }))
            .detach();
        rt.run_until_stalled();
        pollux::block_on(is_running.wait());
        CHECK(rt.shutdown(std::chrono::hours(1)).stuck == 0);
        CHECK(is_refused);
    }

    TEST_CASE("poll_once: in a job of the runtime while nobody is in block_on it drives, or waits for its turn") {
        current_thread_runtime rt;
        std::atomic<bool> is_done = false;
        std::atomic<int> ran = 0;
        auto driving = rt.spawn(pollux::blocking([&] {
            for (int i = 0; i != 1000; ++i) {
                rt.spawn([&] { ++ran; }).detach();
                rt.poll_once();
            }
            is_done = true;
        }));
        while (!is_done) rt.poll_once();
        rt.block_on(std::move(driving));
        rt.run_until_stalled();
        CHECK(ran == 1000);
    }

    TEST_CASE("current_thread_runtime: its end takes the seat from a job that drives it") {
        manual_event is_polled;
        std::atomic<bool> is_cancelled = false;
        {
            current_thread_runtime rt;
            rt.spawn(pollux::blocking([&] {
                  try {
                      rt.block_on([&]() -> task<> {
                          is_polled.set();
                          co_await pollux::sleep_for(std::chrono::hours(1));
                      });
                  } catch (const pollux::task_cancelled&) {
                      is_cancelled = true;
                  }
              }))
                .detach();
            rt.run_until_stalled();
            pollux::block_on(is_polled.wait());
        }
        CHECK(is_cancelled);
    }

    TEST_CASE("block_on: what a thread that does not drive polls may destroy a current_thread_runtime") {
        auto rt = std::make_unique<current_thread_runtime>();
        auto& driven = *rt;
        manual_event is_driven, may_end;
        std::thread driving([&] {
            driven.block_on([&]() -> task<> {
                is_driven.set();
                auto fut = may_end.wait();
                co_await fut;
            });
        });
        pollux::block_on(is_driven.wait());
        CHECK(driven.block_on([&]() -> task<int> {
            may_end.set();
            driving.join();
            rt.reset();
            for (int i = 0; i != 3; ++i) co_await pollux::yield_now();
            co_return 3;
        }) == 3);
    }

    TEST_CASE("block_on: on a current_thread_runtime that was shut down it waits for what other threads do") {
        current_thread_runtime rt;
        rt.shutdown(std::chrono::seconds(0));
        manual_event event;
        std::thread setting;
        rt.block_on([&]() -> task<> {
            setting = std::thread([&] { event.set(); });
            auto fut = event.wait();
            co_await fut;
        });
        setting.join();
        CHECK(rt.metrics().alive_tasks == 0);
    }

    // The second waited until the first had left, which waited for it.
    TEST_CASE("block_on: of two threads, the one that does not drive polls its own future") {
        current_thread_runtime rt;
        manual_event first_polled, second_done;
        std::thread first([&] {
            rt.block_on([&]() -> task<> {
                first_polled.set();
                auto fut = second_done.wait();
                co_await fut;
            });
        });
        pollux::block_on(first_polled.wait());
        const int result = rt.block_on([&]() -> task<int> {
            co_await pollux::yield_now();
            const int n = co_await pollux::spawn(pollux::ready(7));  // polled by the first
            second_done.set();
            co_return n;
        });
        first.join();
        CHECK(result == 7);
    }

    TEST_CASE("block_on: of two threads, the second drives when the first has left") {
        current_thread_runtime rt;
        manual_event first_polled, second_polled, first_may_go, second_may_go;
        std::thread first([&] {
            rt.block_on([&]() -> task<> {
                first_polled.set();
                auto fut = first_may_go.wait();
                co_await fut;
            });
        });
        pollux::block_on(first_polled.wait());
        std::atomic<int> result = 0;
        std::thread second([&] {
            result = rt.block_on([&]() -> task<int> {
                second_polled.set();
                auto fut = second_may_go.wait();
                co_await fut;
                co_await pollux::sleep_for(std::chrono::milliseconds(1));
                const int n = co_await pollux::spawn(pollux::ready(8));
                co_return n;
            });
        });
        pollux::block_on(second_polled.wait());
        first_may_go.set();
        first.join();
        second_may_go.set();
        second.join();
        CHECK(result == 8);
    }

    TEST_CASE("block_on: many threads wait for each other's futures and take the seat from each other") {
        current_thread_runtime rt;
        constexpr int threads = 4, rounds = 100;
        std::vector<manual_event> reached(threads * rounds);
        std::atomic<int> done = 0;
        const auto works = [&](int self) {
            for (int i = 0; i != rounds; ++i)
                done += rt.block_on([&, i]() -> task<int> {
                    reached[static_cast<std::size_t>(i * threads + self)].set();
                    auto next = reached[static_cast<std::size_t>(i * threads + (self + 1) % threads)].wait();
                    co_await next;
                    const int n = co_await pollux::spawn(pollux::ready(1));
                    co_return n;
                });
        };
        std::vector<std::thread> all;
        for (int i = 0; i != threads; ++i) all.emplace_back(works, i);
        for (auto& one : all) one.join();
        CHECK(done == threads * rounds);
        CHECK(rt.metrics().alive_tasks == 0);
    }

    TEST_CASE("current_thread_runtime: sleeps fire while it is driven") {
        using namespace std::chrono_literals;
        current_thread_runtime rt;
        const auto start = pollux::clock::now();
        auto spawned = rt.spawn(pollux::sleep_for(5ms));
        CHECK(rt.run_until_stalled() == 1);
        CHECK(rt.metrics().timers_armed == 1);
        rt.block_on(std::move(spawned));
        CHECK(pollux::clock::now() - start >= 5ms);
        CHECK(rt.metrics().timers_armed == 0);
    }

    TEST_CASE("poll_once: in somebody else's poll(2) loop, which is told by whoever wakes") {
        pollux::current_thread_runtime rt;
        const int told = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        REQUIRE(told >= 0);
        constexpr int rounds = 100;
        manual_event events[rounds];
        auto awaits_all = [](manual_event* wait_for) -> task<int> {
            int sum = 0;
            for (int i = 0; i != rounds; ++i) {
                auto fut = wait_for[i].wait();
                co_await fut;
                ++sum;
            }
            co_await pollux::sleep_for(std::chrono::milliseconds(2));
            co_return sum;
        };
        auto handle = rt.spawn(awaits_all(events));
        std::thread wakes([&] {
            for (manual_event& each : events) {
                each.set();
                constexpr std::uint64_t one = 1;
                static_cast<void>(::write(told, &one, sizeof one));
            }
        });
        int late = 0;
        while (!handle.is_finished()) {
            while (rt.poll_once() != 0) {}
            if (handle.is_finished()) break;
            // The runtime does not say when its next sleep ends, so the loop looks every millisecond while there is one.
            pollfd waits_for{told, POLLIN, 0};
            const int answer = ::poll(&waits_for, 1, rt.metrics().timers_armed != 0 ? 1 : 10'000);
            std::uint64_t times = 0;
            if (answer == 1)
                static_cast<void>(::read(told, &times, sizeof times));
            else if (rt.metrics().timers_armed == 0)
                ++late;
        }
        wakes.join();
        ::close(told);
        CHECK(late == 0);
        CHECK(rt.block_on(std::move(handle)) == rounds);
    }
}
