// SPDX-License-Identifier: MIT
#include "pollux/offload/blocking.hpp"

#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <expected>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pool_fixture.hpp"
#include "support/allocation_counter.hpp"
#include "support/wait_until.hpp"

using namespace std::chrono_literals;
using pollux::blocking;
using pollux::test::destruction;
using pollux::test::gate;
using pollux::test::hand_polled_runtime;
using pollux::test::wake_counter;

namespace {

pollux::runtime_options with_threads(unsigned most) {
    pollux::runtime_options options;
    options.max_blocking_threads = most;
    return options;
}

// While it lives no thread can be started: each would need a stack larger than the address space.
class no_new_threads {
public:
    no_new_threads() {
        pthread_getattr_default_np(&before_);
        pthread_attr_t huge;
        pthread_attr_init(&huge);
        pthread_attr_setstacksize(&huge, std::size_t{1} << 50);
        pthread_setattr_default_np(&huge);
        pthread_attr_destroy(&huge);
    }
    no_new_threads(const no_new_threads&) = delete;
    no_new_threads& operator=(const no_new_threads&) = delete;
    ~no_new_threads() {
        pthread_setattr_default_np(&before_);
        pthread_attr_destroy(&before_);
    }

private:
    pthread_attr_t before_;
};

struct passes_at_its_end {
    gate held;
    ~passes_at_its_end() { held.pass(); }
};

}  // namespace

TEST_SUITE("offload/blocking") {
    TEST_CASE("the awaiter gets the value, the error, the exception") {
        pollux::runtime rt;
        CHECK(*rt.block_on(blocking([] { return std::make_unique<int>(4); })) == 4);
        const std::expected<int, int> failed =
            rt.block_on(blocking([]() -> std::expected<int, int> { return std::unexpected(5); }));
        REQUIRE(!failed.has_value());
        CHECK(failed.error() == 5);
        CHECK_THROWS_AS(rt.block_on(blocking([] { throw std::length_error("long"); })), std::length_error);
    }

    TEST_CASE("outside a runtime the poll throws no_runtime") {
        auto fut = blocking([] {});
        CHECK_THROWS_AS(pollux::block_on(fut), pollux::no_runtime);
    }

    TEST_CASE("there is no thread before the first job, and jobs one after the other share one") {
        hand_polled_runtime rt;
        CHECK(rt.metrics().blocking_threads == 0);
        std::thread::id first;
        for (int i = 0; i != 200; ++i) {
            auto fut = blocking([] { return std::this_thread::get_id(); });
            auto answer = rt.finish(fut);
            REQUIRE(answer.is_ready());
            if (i == 0) first = answer.value();
            REQUIRE(answer.value() == first);
            REQUIRE(rt.metrics().blocking_threads == 1);
        }
        CHECK(first != std::this_thread::get_id());
    }

    TEST_CASE("jobs that wait for each other all end, each on a thread of its own") {
        constexpr int n = 50;
        pollux::runtime rt(with_threads(n));
        std::latch all_run(n);
        std::vector<pollux::join_handle<>> handles;
        for (int i = 0; i != n; ++i) handles.push_back(rt.spawn(blocking([&] { all_run.arrive_and_wait(); })));
        for (auto& each : handles) rt.block_on(each);
        CHECK(rt.metrics().blocking_threads == n);
    }

    TEST_CASE("no more jobs run at once than max_blocking_threads") {
        pollux::runtime rt(with_threads(3));
        std::latch three_run(3);
        std::atomic<int> running{0}, most{0}, runs{0};
        const auto job = [&] {
            const int now = ++running;
            for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {}
            if (runs++ < 3) three_run.arrive_and_wait();
            --running;
        };
        std::vector<pollux::join_handle<>> handles;
        for (int i = 0; i != 30; ++i) handles.push_back(rt.spawn(blocking(job)));
        for (auto& each : handles) rt.block_on(each);
        CHECK(most == 3);
        CHECK(runs == 30);
    }

    TEST_CASE("the result of a dropped future may wait for another call as it is destroyed") {
        struct waits_for_another {
            explicit waits_for_another(std::latch& at_end) noexcept : ended(&at_end) {}
            waits_for_another(waits_for_another&& other) noexcept : ended(std::exchange(other.ended, nullptr)) {}
            waits_for_another& operator=(waits_for_another&&) = delete;
            ~waits_for_another() {
                if (ended == nullptr) return;
                pollux::block_on(blocking([this] { ended->count_down(); }));
            }
            std::latch* ended;
        };
        std::latch begun(1), dropped(1), ended(1);
        pollux::runtime rt;
        auto handle = rt.spawn(blocking([&] {
            begun.count_down();
            dropped.wait();
            return waits_for_another(ended);
        }));
        begun.wait();
        handle.abort();
        CHECK_THROWS_AS(rt.block_on(handle), pollux::task_cancelled);
        dropped.count_down();
        ended.wait();
        CHECK(rt.metrics().blocking_threads == 2);
    }

    TEST_CASE("of several idle threads the one that became idle last takes the next job") {
        hand_polled_runtime rt;
        std::latch three_run(3);
        const auto job = [&] { three_run.arrive_and_wait(); };
        auto a = blocking(job), b = blocking(job), c = blocking(job);
        for (auto* each : {&a, &b, &c}) CHECK(rt.poll(*each).is_pending());
        for (auto* each : {&a, &b, &c}) CHECK(rt.finish(*each).is_ready());
        const auto all_idle = [](const pollux::runtime_metrics& now) {
            return now.blocking_idle == now.blocking_threads;
        };
        rt.wait_until(all_idle);
        CHECK(rt.metrics().blocking_threads >= 3);
        const auto where = [&] {
            auto fut = blocking([] { return std::this_thread::get_id(); });
            const auto thread = rt.finish(fut).take();
            rt.wait_until(all_idle);
            return thread;
        };
        const auto last = where();
        for (int i = 0; i != 10; ++i) CHECK(where() == last);
    }

    TEST_CASE("a thread without a job ends after blocking_keep_alive") {
        pollux::runtime_options options;
        options.blocking_keep_alive = 1ms;
        std::atomic<int> started{0}, stopped{0};
        options.on_thread_start = [&] { ++started; };
        options.on_thread_stop = [&] { ++stopped; };
        hand_polled_runtime rt(options);
        CHECK(started == 1);
        for (int i = 0; i != 3; ++i) {
            auto fut = blocking([] {});
            CHECK(rt.finish(fut).is_ready());
            rt.wait_until([](const pollux::runtime_metrics& now) { return now.blocking_threads == 0; });
            CHECK(started == 2 + i);
            CHECK(stopped == 1 + i);
        }
    }

    TEST_CASE("no job waits for a thread that still destroys what another has made thread_local") {
        pollux::runtime_options options;
        options.blocking_keep_alive = 1ms;
        const gate held;
        hand_polled_runtime rt(options);
        auto first = blocking([held] { thread_local const passes_at_its_end at_end{held}; });
        CHECK(rt.finish(first).is_ready());
        held.wait_for_one();
        auto second = blocking([] {});
        CHECK(rt.finish(second).is_ready());
        rt.wait_until([](const pollux::runtime_metrics& now) { return now.blocking_threads == 0; });
        auto third = blocking([held] { held.open(); });
        CHECK(rt.finish(third).is_ready());
    }

    TEST_CASE("its threads have a name, the hooks around them, and all signals blocked") {
        pollux::runtime_options options;
        options.name = "svc";
        std::atomic<int> started{0}, stopped{0}, in_runtime{0};
        const auto look = [&](std::atomic<int>& calls) {
            ++calls;
            in_runtime += pollux::detail::current_runtime() != nullptr;
        };
        options.on_thread_start = [&] { look(started); };
        options.on_thread_stop = [&] { look(stopped); };
        std::string name;
        bool are_blocked = false;
        {
            hand_polled_runtime rt(options);
            auto fut = blocking([&] {
                char text[16] = {};
                pthread_getname_np(pthread_self(), text, sizeof text);
                name = text;
                sigset_t mask;
                pthread_sigmask(SIG_SETMASK, nullptr, &mask);
                are_blocked = sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGCHLD) == 1;
                return started.load();
            });
            CHECK(rt.finish(fut).value() == 2);
        }
        CHECK(name == "svc-blk-0");
        CHECK(are_blocked);
        CHECK(stopped == 2);
        CHECK(in_runtime == 0);
    }

    TEST_CASE("what on_thread_start throws comes out of the future, and later jobs try again") {
        pollux::runtime_options options;
        std::atomic<int> calls{0};
        options.on_thread_start = [&] {
            if (++calls == 2) throw std::domain_error("hook");
        };
        hand_polled_runtime rt(options);
        auto failing = blocking([] {});
        CHECK_THROWS_AS(rt.finish(failing), std::domain_error);
        auto working = blocking([] { return 1; });
        CHECK(rt.finish(working).value() == 1);
    }

    TEST_CASE("if no thread can be had the future throws std::system_error; later jobs try again") {
        hand_polled_runtime rt;
        {
            const no_new_threads shortage;
            auto fut = blocking([] {});
            CHECK_THROWS_AS(rt.finish(fut), std::system_error);
            CHECK(rt.metrics().blocking_threads == 0);
        }
        auto fut = blocking([] { return 1; });
        CHECK(rt.finish(fut).value() == 1);
    }

    TEST_CASE("if no second thread can be had the first does all the jobs") {
        hand_polled_runtime rt;
        const gate hold;
        auto first = blocking([hold] { hold.pass(); });
        CHECK(rt.poll(first).is_pending());
        hold.wait_for_one();
        const no_new_threads shortage;
        auto second = blocking([] { return 2; });
        auto third = blocking([] { return 3; });
        CHECK(rt.poll(second).is_pending());
        CHECK(rt.poll(third).is_pending());
        CHECK(rt.metrics().blocking_threads == 1);
        CHECK(rt.metrics().blocking_queued == 2);
        hold.open();
        CHECK(rt.finish(first).is_ready());
        CHECK(rt.finish(second).value() == 2);
        CHECK(rt.finish(third).value() == 3);
    }

    // Nobody came to try again: seen with a single EAGAIN, without a watchdog.
    TEST_CASE("a thread that was refused comes later, also if the job that runs waits for the one that does not") {
        pollux::runtime_options options;
        options.watchdog_limit = 0ns;
        hand_polled_runtime rt(options);
        const gate hold;
        auto first = blocking([hold] { hold.pass(); });
        CHECK(rt.poll(first).is_pending());
        hold.wait_for_one();
        auto second = blocking([hold] { hold.open(); });
        {
            const no_new_threads shortage;
            CHECK(rt.poll(second).is_pending());
            CHECK(rt.metrics().blocking_threads == 1);
        }
        CHECK(rt.finish(first).is_ready());
        CHECK(rt.finish(second).is_ready());
    }

    TEST_CASE("a thread whose on_thread_start throws again and again is tried until it does not") {
        pollux::runtime_options options;
        std::atomic<int> calls{0};
        options.on_thread_start = [&] {
            if (++calls > 2 && calls < 6) throw std::domain_error("hook");
        };
        hand_polled_runtime rt(options);
        const gate hold;
        auto first = blocking([hold] { hold.pass(); });
        CHECK(rt.poll(first).is_pending());
        hold.wait_for_one();
        auto second = blocking([hold] { hold.open(); });
        CHECK(rt.finish(second).is_ready());
        CHECK(rt.finish(first).is_ready());
        CHECK(calls >= 6);
    }

    TEST_CASE("shutdown in a hook on a thread of blocking, which it would have to wait for, throws") {
        std::atomic<int> refused{0};
        std::unique_ptr<pollux::runtime> rt;
        const auto tries = [&] {
            if (rt == nullptr) return;  // it is being made
            try {
                rt->shutdown(1h);
            } catch (const std::system_error& error) {
                refused += error.code() == std::errc::resource_deadlock_would_occur ? 1 : 0;
            }
        };
        pollux::runtime_options options;
        options.workers = 1;
        options.on_thread_start = tries;
        options.on_thread_stop = tries;
        options.blocking_keep_alive = 0ns;
        rt = std::make_unique<pollux::runtime>(options);
        CHECK(rt->block_on(blocking([] { return 3; })) == 3);
        pollux::test::wait_until([&] { return refused >= 2; });
    }

    TEST_CASE("a job that has not started is taken out by the drop of its future, which allocates nothing") {
        hand_polled_runtime rt(with_threads(1));
        const gate hold;
        auto first = blocking([hold] { hold.pass(); });
        CHECK(rt.poll(first).is_pending());
        hold.wait_for_one();
        destruction::report closure;
        std::atomic<int> runs{0};
        auto second = std::make_optional(blocking([mark = destruction(closure), &runs] { ++runs; }));
        CHECK(rt.poll(*second).is_pending());
        CHECK(rt.metrics().blocking_queued == 1);
        {
            const pollux::test::allocation_counter allocations;
            second.reset();
            CHECK(allocations.count() == 0);
        }
        CHECK(closure.count == 1);
        CHECK(rt.metrics().blocking_queued == 0);
        hold.open();
        CHECK(rt.finish(first).is_ready());
        CHECK(runs == 0);
    }

    TEST_CASE("the end of the runtime waits for the running job, and cancels those that wait") {
        std::atomic<int> runs{0};
        const gate hold;
        auto rt = std::make_unique<hand_polled_runtime>(with_threads(1));
        auto running = blocking([&, hold] {
            hold.pass();
            ++runs;
        });
        auto queued = blocking([&runs] { ++runs; });
        wake_counter wakes;
        CHECK(rt->poll(running).is_pending());
        hold.wait_for_one();
        CHECK(rt->poll(queued, wakes.waker()).is_pending());
        wakes.on_wake([hold] { hold.open(); });  // called by the end, before it waits
        rt.reset();
        CHECK(runs == 1);
        CHECK(wakes.count() == 1);
        pollux::context cx(pollux::noop_waker());
        CHECK_THROWS_AS(queued.poll(cx), pollux::task_cancelled);
        CHECK(running.poll(cx).is_ready());
    }

    TEST_CASE("a job may block on a future of its runtime, and spawn") {
        pollux::runtime rt;
        auto handle = rt.handle();
        const int sum = rt.block_on(blocking([handle] {
            auto spawned = pollux::spawn(blocking([] { return 20; }));
            return handle.block_on(spawned) + handle.block_on(blocking([] { return 1; }));
        }));
        CHECK(sum == 21);
    }
}
