// SPDX-License-Identifier: MIT
// The end of a runtime where it is in the way of something: asked for inside of its own tasks, while a task never rests, while
// threads end.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "pollux/core/block_on.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_event.hpp"
#include "support/tracked.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::test::manual_event;
using pollux::test::tracked;
using pollux::test::wait_until;
using pollux::test::workers;
using namespace std::chrono_literals;

bool is_refused_as_deadlock(auto fn) {
    try {
        fn();
    } catch (const std::system_error& error) {
        return error.code() == std::errc::resource_deadlock_would_occur;
    }
    return false;
}

// Wakes itself in each poll, without a budget in between: as restless as a task can be.
auto never_rests(std::atomic<int>& polls, std::atomic<int>& alive) {
    return pollux::poll_fn([&polls, counted = tracked(alive)](pollux::context& cx) -> pollux::polled<> {
        ++polls;
        cx.waker().wake();
        return pollux::pending;
    });
}

// Made on a thread of the runtime, and destroyed when that ends: behind the worker's last work.
struct uses_runtime_at_the_end {
    ~uses_runtime_at_the_end() {
        if (!kept) return;
        kept.wake();
        *was_cancelled = handle->spawn(pollux::ready(1)).is_finished();
        *is_outside = !pollux::current_task_id().has_value();
        try {
            static_cast<void>(pollux::runtime_handle::current());
            *is_outside = false;
        } catch (const pollux::no_runtime&) {}
    }
    pollux::waker kept;
    std::optional<pollux::runtime_handle> handle;
    std::atomic<bool>* was_cancelled = nullptr;
    std::atomic<bool>* is_outside = nullptr;
};
thread_local uses_runtime_at_the_end of_this_thread;

}  // namespace

TEST_SUITE("scheduler/shutdown_refused") {
    TEST_CASE("current_thread_runtime: shutdown inside one of its own tasks throws, and nothing is done") {
        pollux::current_thread_runtime rt;
        CHECK(rt.block_on([&] { return is_refused_as_deadlock([&] { rt.shutdown(0ns); }); }));
        CHECK(rt.block_on(rt.spawn([&] { return is_refused_as_deadlock([&] { rt.shutdown(0ns); }); })));
        CHECK(rt.block_on(rt.spawn([&] { return is_refused_as_deadlock([&] { rt.poll_once(); }); })));
        CHECK(rt.block_on(rt.spawn(pollux::ready(3))) == 3);
        CHECK(rt.shutdown(0ns).cancelled == 0);
    }

    TEST_CASE("current_thread_runtime: its destructor inside one of its own tasks ends the process with a message") {
        const auto message = pollux::test::message_of_abort([] {
            auto rt = std::make_unique<pollux::current_thread_runtime>();
            auto& driven = *rt;
            driven.spawn([&] { rt.reset(); }).detach();
            driven.run_until_stalled();
        });
        CHECK(message.starts_with("pollux: ~current_thread_runtime: called inside one of its own tasks; "));
    }

    TEST_CASE("shutdown and block_on: on a worker of another runtime they are that runtime's affair") {
        pollux::runtime other(workers(1));
        auto ends = [](std::optional<pollux::runtime>& ended) -> task<int> {
            const int result = ended->block_on(ended->spawn(pollux::ready(4)));
            ended->shutdown(1h);
            ended.reset();
            co_return result;
        };
        std::optional<pollux::runtime> rt(std::in_place, workers(1));
        CHECK(other.block_on(other.spawn(ends(rt))) == 4);
        CHECK_FALSE(rt.has_value());
    }

    TEST_CASE("shutdown: a job of blocking or offload that asks for it is stuck itself once the grace is over") {
        for (const bool is_blocking : {true, false}) {
            CAPTURE(is_blocking);
            pollux::runtime rt(workers(1));
            std::atomic<std::size_t> stuck = 77;
            const auto job = [&] { stuck = rt.shutdown(1ms).stuck; };
            if (is_blocking)
                rt.spawn(pollux::blocking(job)).detach();
            else
                rt.spawn(pollux::offload(job)).detach();
            wait_until([&] { return stuck != 77; });
            CHECK(stuck == 1);
        }
    }

    TEST_CASE("shutdown: without a limit in a job it throws, and nothing is done") {
        for (const bool is_blocking : {true, false}) {
            CAPTURE(is_blocking);
            pollux::runtime rt(workers(1));
            const auto job = [&] {
                try {
                    rt.shutdown(std::chrono::nanoseconds::max());
                } catch (const std::system_error& error) {
                    return error.code() == std::errc::resource_deadlock_would_occur;
                }
                return false;
            };
            const bool throws = is_blocking ? rt.block_on(pollux::blocking(job)) : rt.block_on(pollux::offload(job));
            CHECK(throws);
            CHECK(rt.block_on(rt.spawn([] { return 1; })) == 1);
        }
    }

    TEST_CASE("~runtime: in one of its own jobs it ends the process with a message") {
        const auto message = pollux::test::message_of_abort([] {
            auto rt = std::make_unique<pollux::runtime>(workers(1));
            rt->spawn(pollux::blocking([&] { rt.reset(); })).detach();
            for (;;) ::pause();
        });
        CHECK(message.starts_with("pollux: ~runtime: called on one of its own threads, or in one of its own jobs"));
    }

    TEST_CASE("~runtime and shutdown: a task that wakes itself in every poll is destroyed") {
        for (const unsigned n : {1u, 2u}) {
            CAPTURE(n);
            std::atomic<int> polls = 0;
            std::atomic<int> alive = 0;
            {
                pollux::runtime rt(workers(n));
                for (int i = 0; i != 4; ++i) rt.spawn(never_rests(polls, alive)).detach();
                wait_until([&] { return polls > 100; });
                CHECK(alive == 4);
            }
            CHECK(alive == 0);
            pollux::runtime rt(workers(n));
            polls = 0;
            rt.spawn(never_rests(polls, alive)).detach();
            wait_until([&] { return polls > 100; });
            CHECK(rt.shutdown(0ns).cancelled == 1);
            CHECK(alive == 0);
        }
        std::atomic<int> polls = 0;
        std::atomic<int> alive = 0;
        {
            pollux::current_thread_runtime rt;
            rt.spawn(never_rests(polls, alive)).detach();
            rt.poll_once();
            CHECK(alive == 1);
        }
        CHECK(alive == 0);
        CHECK(polls == 1);
    }

    TEST_CASE("thread_local: its destructor on a worker or a blocking thread may wake and spawn, which does nothing") {
        for (const bool is_blocking : {true, false}) {
            CAPTURE(is_blocking);
            std::atomic<bool> was_cancelled = false;
            std::atomic<bool> is_outside = false;
            manual_event event;
            {
                pollux::runtime rt(workers(1));
                rt.spawn(event.wait()).detach();
                wait_until([&] { return event.polls() == 1; });
                const auto keeps = [&, handle = rt.handle()] {
                    of_this_thread.handle.emplace(handle);
                    of_this_thread.was_cancelled = &was_cancelled;
                    of_this_thread.is_outside = &is_outside;
                    of_this_thread.kept = event.kept_waker();
                };
                if (is_blocking)
                    rt.block_on(pollux::blocking(keeps));
                else
                    rt.block_on(rt.spawn(keeps));
            }
            CHECK(was_cancelled);
            CHECK(is_outside);
        }
    }

    TEST_CASE("thread_local: its destructor on a foreign thread wakes and spawns in a runtime that lives") {
        pollux::runtime rt(workers(1));
        std::atomic<bool> was_cancelled = true;
        std::atomic<bool> is_outside = false;
        manual_event event;
        rt.spawn(event.wait()).detach();
        wait_until([&] { return event.polls() == 1; });
        const auto spawned = rt.metrics().spawned;
        std::thread([&] {
            of_this_thread.handle.emplace(rt.handle());
            of_this_thread.was_cancelled = &was_cancelled;
            of_this_thread.is_outside = &is_outside;
            of_this_thread.kept = event.kept_waker();
        }).join();
        wait_until([&] { return event.polls() == 2; });
        CHECK(is_outside);
        CHECK(rt.metrics().spawned == spawned + 1);
    }
}
