// SPDX-License-Identifier: MIT
#include "pollux/runtime/runtime.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/time/sleep.hpp"
#include "support/end_of_process.hpp"
#include "support/workers.hpp"

namespace {

using pollux::current_thread_runtime;
using pollux::no_runtime;
using pollux::runtime_handle;
using pollux::task;
using pollux::task_cancelled;
using pollux::test::workers;
using namespace std::chrono_literals;

// Whether this thread is in `rt`: a task that is spawned here is counted there.
template <class Runtime>
bool is_in(Runtime& rt) {
    const auto before = rt.metrics().spawned;
    pollux::spawn(pollux::ready(1)).detach();
    return rt.metrics().spawned == before + 1;
}

// The same through current().
template <class Runtime>
bool current_is(Runtime& rt) {
    const auto before = rt.metrics().spawned;
    runtime_handle::current().spawn(pollux::ready(1)).detach();
    return rt.metrics().spawned == before + 1;
}

}  // namespace

TEST_SUITE("scheduler/runtime_handle") {
    TEST_CASE("runtime_handle::current: throws no_runtime on a thread that is in none, also under a bare block_on") {
        CHECK_THROWS_AS((void)runtime_handle::current(), no_runtime);
        auto asks = []() -> task<> {
            static_cast<void>(runtime_handle::current());
            co_return;
        };
        CHECK_THROWS_AS(pollux::block_on(asks()), no_runtime);
        pollux::runtime rt(workers(1));
        CHECK_THROWS_AS((void)runtime_handle::current(), no_runtime);
        rt.block_on(pollux::ready());
        CHECK_THROWS_AS((void)runtime_handle::current(), no_runtime);
    }

    TEST_CASE("runtime_handle::current: in block_on, tasks and jobs it is that of their runtime") {
        for (const unsigned n : {1u, 2u}) {
            CAPTURE(n);
            pollux::runtime other(workers(1));
            pollux::runtime rt(workers(n));
            auto asks = [&]() -> task<bool> {
                const bool first = current_is(rt);
                co_await pollux::yield_now();
                const bool then = current_is(rt);
                auto cpu_job = pollux::offload([&rt] { return current_is(rt); });
                const bool in_offload = co_await cpu_job;
                auto blocking_job = pollux::blocking([&rt] { return current_is(rt); });
                const bool in_blocking = co_await blocking_job;
                co_return first&& then&& in_offload&& in_blocking;
            };
            CHECK(rt.block_on(asks()));
            CHECK(rt.block_on(rt.spawn(asks())));
            CHECK(other.block_on(rt.spawn(asks())));
        }
        current_thread_runtime rt;
        auto asks = [&]() -> task<bool> { co_return current_is(rt); };
        CHECK(rt.block_on(asks()));
        CHECK(rt.block_on(rt.spawn(asks())));
    }

    TEST_CASE("runtime_handle::current: the handle outlives the runtime, and spawns cancelled tasks then") {
        std::optional<runtime_handle> kept;
        {
            pollux::runtime rt(workers(2));
            auto asks = []() -> task<runtime_handle> { co_return runtime_handle::current(); };
            kept.emplace(rt.block_on(rt.spawn(asks())));
            CHECK(rt.block_on(kept->spawn(pollux::ready(3))) == 3);
        }
        auto refused = kept->spawn(pollux::ready(3));
        CHECK(refused.is_finished());
        CHECK_THROWS_AS((void)pollux::block_on(refused), task_cancelled);
    }

    TEST_CASE("enter: for a scope this thread spawns there, and is in no runtime before and afterwards") {
        pollux::runtime rt(workers(2));
        static_assert(!std::is_move_constructible_v<decltype(rt.handle().enter())>);
        {
            auto guard = rt.handle().enter();  // the guard keeps what it needs of the handle
            CHECK(is_in(rt));
            CHECK(current_is(rt));
            auto handle = pollux::spawn([] { return 4; });
            CHECK(pollux::block_on(handle) == 4);
        }
        CHECK_THROWS_AS((void)pollux::spawn(pollux::ready(1)), no_runtime);
        current_thread_runtime single;
        {
            auto guard = single.handle().enter();
            CHECK(is_in(single));
            CHECK(single.run_until_stalled() == 1);
            CHECK(is_in(single));
        }
        CHECK_THROWS_AS((void)runtime_handle::current(), no_runtime);
    }

    TEST_CASE("enter: another thread is not in the runtime") {
        pollux::runtime rt(workers(1));
        auto guard = rt.handle().enter();
        bool has_thrown = false;
        std::thread([&] {
            try {
                static_cast<void>(runtime_handle::current());
            } catch (const no_runtime&) {
                has_thrown = true;
            }
        }).join();
        CHECK(has_thrown);
    }

    TEST_CASE("enter: sleeps, offload and blocking that a bare block_on polls take the runtime of the guard") {
        pollux::runtime rt(workers(1));
        auto guard = rt.handle().enter();
        pollux::block_on(pollux::sleep_for(1ms));
        auto long_sleep = pollux::sleep_for(1h);
        pollux::testing::assert_pending(pollux::testing::poll_once(long_sleep));
        CHECK(rt.metrics().timers_armed == 1);
        CHECK(pollux::block_on(pollux::offload([&rt] { return is_in(rt); })));
        CHECK(pollux::block_on(pollux::blocking([&rt] { return is_in(rt); })));
        auto waits = []() -> task<int> {
            co_await pollux::sleep_for(1ms);
            co_await pollux::yield_now();
            auto job = pollux::offload([] { return 6; });
            co_return co_await job;
        };
        CHECK(pollux::block_on(waits()) == 6);
    }

    TEST_CASE("enter: guards may be nested, and each gives back what was there") {
        pollux::runtime first(workers(1));
        pollux::runtime second(workers(2));
        auto outer = first.handle().enter();
        {
            auto inner = second.handle().enter();
            CHECK(is_in(second));
            {
                auto again = first.handle().enter();
                CHECK(is_in(first));
                auto same = first.handle().enter();
                CHECK(is_in(first));
            }
            CHECK(is_in(second));
        }
        CHECK(is_in(first));
        second.block_on([&] {
            CHECK(is_in(second));
            auto inner = first.handle().enter();
            CHECK(is_in(first));
        });
        CHECK(is_in(first));
    }

    TEST_CASE("enter: on a worker of another runtime, which stays a worker") {
        pollux::runtime other(workers(1));
        for (const unsigned n : {1u, 2u}) {
            CAPTURE(n);
            pollux::runtime rt(workers(n));
            auto work = [&]() -> task<int> {
                const bool before = is_in(rt);
                std::optional<pollux::join_handle<int>> there;
                bool inside = false;
                bool refused = false;
                {
                    auto guard = other.handle().enter();
                    inside = is_in(other);
                    there.emplace(pollux::spawn([&other] { return is_in(other) ? 8 : 0; }));
                    try {
                        rt.block_on(pollux::ready());
                    } catch (const std::system_error&) {
                        refused = true;
                    }
                }
                const bool afterwards = is_in(rt);
                co_await pollux::yield_now();
                const int answer = co_await *there;
                co_return before&& inside&& refused&& afterwards ? answer : 0;
            };
            CHECK(rt.block_on(rt.spawn(work())) == 8);
        }
        current_thread_runtime single;
        auto work = [&]() -> task<bool> {
            auto guard = other.handle().enter();
            co_return is_in(other);
        };
        CHECK(single.block_on(single.spawn(work())));
        CHECK(single.block_on(work()));
        CHECK(single.block_on([&] { return is_in(single); }));
    }

    TEST_CASE("enter: after the end of the runtime the thread is in one that is ending") {
        std::optional<runtime_handle> kept;
        std::optional<pollux::runtime> rt(std::in_place, workers(1));
        kept.emplace(rt->handle());
        auto before = kept->enter();
        CHECK(is_in(*rt));
        rt.reset();
        auto after = kept->enter();
        kept.reset();
        CHECK(pollux::spawn(pollux::ready(1)).is_finished());
        CHECK_THROWS_AS(pollux::block_on(pollux::sleep_for(1h)), task_cancelled);
        CHECK_THROWS_AS(pollux::block_on(pollux::offload([] {})), task_cancelled);
        CHECK_THROWS_AS(pollux::block_on(pollux::blocking([] {})), task_cancelled);
        auto refused = runtime_handle::current().spawn(pollux::ready(1));
        CHECK_THROWS_AS((void)pollux::block_on(refused), task_cancelled);
    }

#ifndef NDEBUG
    TEST_CASE("enter: a guard that goes before a later one stops a debug build with a message") {
        const auto message = pollux::test::message_of_abort([] {
            current_thread_runtime first;
            current_thread_runtime second;
            struct guarded {
                explicit guarded(const runtime_handle& handle) : guard(handle.enter()) {}
                decltype(std::declval<runtime_handle>().enter()) guard;
            };
            std::optional<guarded> outer(std::in_place, first.handle());
            std::optional<guarded> inner(std::in_place, second.handle());
            outer.reset();
        });
        CHECK(message.starts_with("pollux: runtime_handle::enter: a guard went before one that was made after it, "));
    }
#endif
}
