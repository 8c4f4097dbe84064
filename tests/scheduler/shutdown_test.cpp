// SPDX-License-Identifier: MIT
// The end of a runtime: what is destroyed, by whom, and what may outlive it.
#include "pollux/runtime/runtime.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/time/sleep.hpp"
#include "support/end_of_process.hpp"
#include "support/heap_counter.hpp"
#include "support/manual_event.hpp"
#include "support/small_tasks.hpp"
#include "support/tracked.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::task_cancelled;
using pollux::test::manual_event;
using pollux::test::tracked;
using pollux::test::wait_until;
using pollux::test::waits;
using pollux::test::workers;
using pollux::test::yields_for_ever;
using namespace std::chrono_literals;

task<> spawns_for_ever(std::atomic<int>& alive) {
    const tracked local(alive);
    for (;;) {
        pollux::spawn(yields_for_ever(alive)).detach();
        co_await pollux::yield_now();
    }
}
task<> forks_for_ever(std::atomic<int>& alive, int depth) {
    const tracked local(alive);
    if (depth == 0) {
        co_await yields_for_ever(alive);
        co_return;
    }
    co_await pollux::fork_join(forks_for_ever(alive, depth - 1), forks_for_ever(alive, depth - 1));
}

// Spawns when it is destroyed, while the runtime ends.
struct spawns_when_destroyed {
    std::atomic<int>* alive;
    int left;
    std::atomic<int>* cancelled;

    spawns_when_destroyed(std::atomic<int>& count, int more, std::atomic<int>& refused)
        : alive(&count), left(more), cancelled(&refused) {}
    spawns_when_destroyed(spawns_when_destroyed&& other) noexcept
        : alive(std::exchange(other.alive, nullptr)), left(other.left), cancelled(other.cancelled) {}
    ~spawns_when_destroyed() {
        if (alive == nullptr || left == 0) return;
        auto handle = pollux::spawn([next = spawns_when_destroyed(*alive, left - 1, *cancelled)]() mutable -> task<> {
            const tracked local(*next.alive);
            for (;;) co_await pollux::yield_now();
        });
        if (handle.is_finished()) ++*cancelled;
    }
};

task<> waits_for(pollux::join_handle<> other, std::atomic<int>& went_on) {
    try {
        co_await other;
    } catch (const task_cancelled&) {}
    ++went_on;
}

}  // namespace

TEST_SUITE("scheduler/shutdown") {
    TEST_CASE("~runtime: destroys tasks that run, wait, are queued, spawn and fork, and joins its threads") {
        for (const unsigned n : {1u, 2u, 4u}) {
            for (int round = 0; round != 5; ++round) {
                std::atomic<int> alive = 0;
                std::atomic<int> started = 0;
                std::atomic<int> stopped = 0;
                manual_event event;
                auto options = workers(n);
                options.watchdog_limit =
                    0ns;  // on a busy machine, others would stand in for the workers and be counted
                options.on_thread_start = [&] { ++started; };
                options.on_thread_stop = [&] { ++stopped; };
                {
                    pollux::runtime rt(options);
                    for (int i = 0; i != 50; ++i) rt.spawn(yields_for_ever(alive)).detach();
                    rt.spawn(spawns_for_ever(alive)).detach();
                    rt.spawn(forks_for_ever(alive, 4)).detach();
                    rt.spawn(waits(event, alive)).detach();
                    for (int i = 0; i != 50; ++i) rt.spawn(pollux::sleep_for(1h)).detach();
                    while (event.polls() == 0) std::this_thread::yield();
                }
                CHECK(alive == 0);
                CHECK(event.waiting() == 0);
                CHECK(started == static_cast<int>(n));
                CHECK(stopped == static_cast<int>(n));
            }
        }
    }

    TEST_CASE("~runtime: at once after the constructor, and after its last task") {
        for (int i = 0; i != 20; ++i) pollux::runtime rt(workers(2));
        for (int i = 0; i != 20; ++i) {
            pollux::runtime rt(workers(2));
            CHECK(rt.block_on(rt.spawn(pollux::ready(i))) == i);
        }
    }

    TEST_CASE("~runtime: what a destroyed task spawns is destroyed too, and its handle is cancelled") {
        for (const bool threads : {true, false}) {
            std::atomic<int> alive = 0;
            std::atomic<int> refused = 0;
            manual_event event;
            auto work = [&] {
                return [bomb = spawns_when_destroyed(alive, 3, refused), wait = event]() mutable -> task<> {
                    auto fut = wait.wait();
                    co_await fut;
                };
            };
            if (threads) {
                pollux::runtime rt(workers(2));
                rt.spawn(work()).detach();
                while (event.polls() == 0) std::this_thread::yield();
            } else {
                pollux::current_thread_runtime rt;
                rt.spawn(work()).detach();
                rt.run_until_stalled();
            }
            CHECK(alive == 0);
            // A worker may get it in before the list of tasks is closed; then it is cancelled a moment later.
            CHECK((threads ? refused <= 3 : refused == 3));
        }
    }

    TEST_CASE(
        "on_unhandled_exception: that the end of a runtime ends a task by task_cancelled is no news, other exceptions "
        "are") {
        for (const bool throws_another : {false, true}) {
            std::atomic<bool> runs = false;
            std::atomic<int> reports = 0;
            auto options = workers(1);
            options.on_unhandled_exception = [&](pollux::task_id, std::exception_ptr) { ++reports; };
            {
                pollux::runtime rt(options);
                auto spawns_until_refused = [&]() -> task<> {
                    runs = true;
                    for (;;) {
                        auto handle = pollux::spawn(pollux::ready());
                        if (!handle.is_finished()) continue;
                        if (throws_another) throw std::runtime_error("news");
                        co_await handle;
                    }
                };
                rt.spawn(spawns_until_refused).detach();
                while (!runs) std::this_thread::yield();
            }
            CHECK(reports == (throws_another ? 1 : 0));
        }
    }

    TEST_CASE("runtime_handle: spawn after the end destroys the work and gives a cancelled handle") {
        std::atomic<int> alive = 0;
        manual_event event;
        std::optional<pollux::runtime_handle> kept;
        {
            pollux::runtime rt(workers(1));
            kept.emplace(rt.handle());
            CHECK(kept->block_on(kept->spawn(pollux::ready(3))) == 3);
        }
        auto of_task = kept->spawn(waits(event, alive));
        auto of_future = kept->spawn(event.wait());
        auto of_callable = kept->spawn([counted = tracked(alive)] { return 1; });
        CHECK(alive == 0);
        CHECK(event.waiting() == 0);
        CHECK(of_task.is_finished());
        CHECK(of_future.abort_handle().is_finished());
        of_task.abort();
        CHECK_THROWS_AS(pollux::block_on(std::move(of_task)), task_cancelled);
        CHECK_THROWS_AS(pollux::block_on(std::move(of_future)), task_cancelled);
        CHECK_THROWS_AS((void)pollux::block_on(std::move(of_callable)), task_cancelled);
        CHECK(kept->block_on(pollux::ready(4)) == 4);
        CHECK_THROWS_AS(kept->block_on(pollux::sleep_for(1h)), task_cancelled);
        const auto copy = *kept;
        CHECK(copy.spawn(pollux::ready()).is_finished());
    }

    TEST_CASE("~runtime: several runtimes live and end independently, also inside each other's tasks") {
        pollux::runtime first(workers(1));
        std::atomic<int> alive = 0;
        manual_event event;
        {
            pollux::runtime second(workers(1));
            second.spawn(waits(event, alive)).detach();
            CHECK(first.block_on(second.spawn(pollux::ready(1))) == 1);
        }
        CHECK(alive == 0);
        auto inside = [](std::atomic<int>& count, manual_event wait) -> task<int> {
            auto inner = std::make_unique<pollux::runtime>(workers(1));
            auto handle = inner->spawn(waits(wait, count));
            const int sum = co_await inner->spawn(pollux::ready(5));
            inner.reset();
            bool was_cancelled = false;
            try {
                co_await handle;
            } catch (const task_cancelled&) {
                was_cancelled = true;
            }
            co_return was_cancelled ? sum : 0;
        };
        CHECK(first.block_on(first.spawn(inside(alive, event))) == 5);
        CHECK(alive == 0);
    }

    TEST_CASE("~runtime: on one of its own workers it stops the process with a message") {
        const auto message = pollux::test::message_of_abort([] {
            auto rt = std::make_shared<pollux::runtime>(workers(1));
            std::atomic<bool> is_last_owner{false};
            auto handle = rt->spawn([own = rt, &is_last_owner]() mutable {
                while (!is_last_owner.load()) std::this_thread::yield();
                own.reset();
            });
            rt.reset();
            is_last_owner.store(true);
            while (!handle.is_finished()) std::this_thread::yield();
        });
        CHECK(message.starts_with("pollux: ~runtime: called on one of its own threads, "));
    }

    TEST_CASE("current_thread_runtime: its end destroys its tasks on this thread") {
        std::atomic<int> alive = 0;
        std::vector<std::thread::id> destroyed_on;
        struct notes_thread {
            std::vector<std::thread::id>* to;
            explicit notes_thread(std::vector<std::thread::id>& list) : to(&list) {}
            notes_thread(notes_thread&& other) noexcept : to(std::exchange(other.to, nullptr)) {}
            ~notes_thread() {
                if (to != nullptr) to->push_back(std::this_thread::get_id());
            }
        };
        manual_event event;
        {
            pollux::current_thread_runtime rt;
            rt.spawn(waits(event, alive)).detach();
            rt.spawn(yields_for_ever(alive)).detach();
            rt.spawn(forks_for_ever(alive, 3)).detach();
            rt.poll_once();
            rt.poll_once();
            rt.spawn([noted = notes_thread(destroyed_on)] { return 1; }).detach();
            CHECK(alive > 3);
        }
        CHECK(alive == 0);
        CHECK(destroyed_on == std::vector{std::this_thread::get_id()});
    }

    TEST_CASE("shutdown: destroys every task and counts those that it cancelled; a second one reports nothing") {
        for (const unsigned n : {1u, 2u}) {
            CAPTURE(n);
            std::atomic<int> alive = 0;
            manual_event event;
            pollux::runtime rt(workers(n));
            rt.block_on(rt.spawn(pollux::ready()));
            auto waiting = rt.spawn(waits(event, alive));
            rt.spawn(yields_for_ever(alive)).detach();
            rt.spawn(forks_for_ever(alive, 3)).detach();
            while (event.polls() == 0) std::this_thread::yield();
            const auto report = rt.shutdown(1h);
            CHECK(alive == 0);
            CHECK(report.cancelled == 3);
            CHECK(report.stuck == 0);
            CHECK(rt.metrics().alive_tasks == 0);
            CHECK_THROWS_AS(pollux::block_on(waiting), task_cancelled);
            auto late = rt.spawn(pollux::ready(1));
            CHECK(late.is_finished());
            CHECK_THROWS_AS(pollux::block_on(late), task_cancelled);
            const auto again = rt.shutdown(1h);
            CHECK(again.cancelled == 0);
            CHECK(again.stuck == 0);
            event.wake();
        }
    }

    TEST_CASE("shutdown: no task goes on because another one has been cancelled with it") {
        for (int round = 0; round != 50; ++round) {
            std::atomic<int> went_on = 0;
            pollux::runtime rt(workers(1));
            auto last = rt.spawn(pollux::never_ready());
            for (int i = 0; i != 100; ++i) last = rt.spawn(waits_for(std::move(last), went_on));
            wait_until([&] { return rt.metrics().polls >= 101; });
            CHECK(rt.shutdown(1h).cancelled == 101);
            CHECK(went_on == 0);
        }
    }

    TEST_CASE("shutdown: allocates nothing, whatever its tasks are doing") {
        std::atomic<int> alive = 0;
        manual_event event;
        pollux::runtime rt(workers(2));
        rt.spawn(waits(event, alive)).detach();
        rt.spawn(forks_for_ever(alive, 2)).detach();
        auto sleeps = [](std::atomic<int>& count) -> task<> {
            const tracked local(count);
            co_await pollux::sleep_for(1h);
        };
        rt.spawn(sleeps(alive)).detach();
        while (event.polls() == 0 || rt.metrics().timers_armed == 0) std::this_thread::yield();
        // Forks go on until they see the end, and take frames; what this thread does is the shutdown.
        const pollux::test::heap_counter counted;
        rt.shutdown(1h);
        CHECK(counted.by_this_thread() == 0);
        CHECK(alive == 0);
    }

    TEST_CASE("shutdown: jobs that outlive the grace are counted, and the destructor waits for them") {
        std::atomic<bool> let_go = false;
        std::atomic<int> running = 0;
        std::atomic<int> ended = 0;
        const auto job = [&] {
            ++running;
            while (!let_go) std::this_thread::yield();
            ++ended;
        };
        std::optional<pollux::runtime> rt(std::in_place, workers(1));
        rt->spawn(pollux::offload(job)).detach();
        rt->spawn(pollux::blocking(job)).detach();
        while (running != 2) std::this_thread::yield();
        auto queued = rt->spawn(pollux::offload(job));  // behind the one that has the only slot
        CHECK(rt->shutdown(0ns).stuck == 2);
        CHECK(ended == 0);
        CHECK_THROWS_AS(pollux::block_on(queued), task_cancelled);
        let_go = true;
        rt.reset();
        CHECK(ended == 2);
        CHECK(running == 2);
    }

    TEST_CASE("shutdown: waits for a job that ends within the grace") {
        std::atomic<bool> runs = false;
        std::atomic<bool> let_go = false;
        pollux::runtime rt(workers(1));
        rt.spawn(pollux::blocking([&] {
              runs = true;
              while (!let_go) std::this_thread::yield();
          }))
            .detach();
        while (!runs) std::this_thread::yield();
        std::thread lets_go([&] { let_go = true; });
        CHECK(rt.shutdown(std::chrono::nanoseconds::max()).stuck == 0);
        lets_go.join();
    }

    TEST_CASE("shutdown: a job that waits on its own runtime for a sleep is cancelled, not waited for") {
        std::atomic<bool> runs = false;
        std::atomic<bool> was_cancelled = false;
        pollux::runtime rt(workers(1));
        const auto handle = rt.handle();
        rt.spawn(pollux::blocking([&, handle] {
              runs = true;
              try {
                  handle.block_on(pollux::sleep_for(1h));
              } catch (const task_cancelled&) {
                  was_cancelled = true;
              }
          }))
            .detach();
        while (!runs) std::this_thread::yield();
        CHECK(rt.shutdown(1h).stuck == 0);
        CHECK(was_cancelled);
    }

    TEST_CASE("shutdown: on a worker it throws, and nothing is done") {
        pollux::runtime rt(workers(1));
        auto tries = [&]() -> task<bool> {
            try {
                rt.shutdown(1s);
            } catch (const std::system_error& error) {
                co_return error.code() == std::errc::resource_deadlock_would_occur;
            }
            co_return false;
        };
        CHECK(rt.block_on(rt.spawn(tries)));
        CHECK(rt.block_on(rt.spawn(pollux::ready(3))) == 3);
    }

    TEST_CASE("shutdown: of a current_thread_runtime destroys its tasks on this thread") {
        std::atomic<int> alive = 0;
        manual_event event;
        pollux::current_thread_runtime rt;
        auto waiting = rt.spawn(waits(event, alive));
        rt.run_until_stalled();
        auto never_polled = rt.spawn(waits(event, alive));
        CHECK(rt.shutdown(0ns).cancelled == 2);
        CHECK(alive == 0);
        CHECK(event.polls() == 1);
        CHECK(rt.shutdown(0ns).cancelled == 0);
        CHECK_THROWS_AS(pollux::block_on(waiting), task_cancelled);
        CHECK_THROWS_AS(pollux::block_on(never_polled), task_cancelled);
        CHECK(rt.run_until_stalled() == 0);
    }

    TEST_CASE("run: gives the result and cancels what is left") {
        std::atomic<int> alive = 0;
        manual_event event;
        auto body = [](std::atomic<int>& count, manual_event wait) -> task<int> {
            pollux::spawn(yields_for_ever(count)).detach();
            pollux::spawn(waits(wait, count)).detach();
            co_await pollux::yield_now();
            co_return 6;
        };
        CHECK(pollux::run(body(alive, event), workers(2)) == 6);
        CHECK(alive == 0);
        CHECK(pollux::run([] { return 7; }, workers(1)) == 7);
        CHECK_THROWS_AS(pollux::run([]() -> int { throw task_cancelled(); }, workers(1)), task_cancelled);
    }
}
