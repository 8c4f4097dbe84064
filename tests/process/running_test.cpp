// SPDX-License-Identifier: MIT
// Children that are dropped before their end was seen: none stays a zombie, and no descriptor stays.
#include "process/running.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "pollux/coro/task.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/process/command.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "process/processes.hpp"
#include "support/process_state.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using namespace pollux::test;
using pollux::current_thread_runtime;
using pollux::runtime;
using pollux::task;
using pollux::process::child;
using pollux::process::command;
using pollux::process::stdio;

child started(const command& what) {
    auto one = what.spawn();
    REQUIRE(one.has_value());
    return std::move(*one);
}
const command endless = command("cat").stdin(stdio::piped).stdout(stdio::null);

// Ends only when it is killed, or its input by this.
struct held {
    held() : one(started(endless)), input(one.take_stdin()) {}
    child one;
    std::optional<pollux::process::pipe_writer> input;
};

task<> drop(child) { co_return; }
task<> hold(child) { co_await pollux::never_ready(); }

}  // namespace

TEST_SUITE("process/running") {
    TEST_CASE("child: dropped in a runtime while it runs, a task waits for its end") {
        until_no_child();
        runtime rt(workers(2));
        const auto descriptors = descriptors_of_process();
        held cat;
        rt.block_on(drop(std::move(cat.one)));
        CHECK(!has_no_child());
        CHECK(rt.metrics().alive_tasks == 1);
        cat.input.reset();
        wait_until([&] { return has_no_child() && rt.metrics().alive_tasks == 0; });
        // The reactor keeps what it has opened.
        CHECK(descriptors_of_process() <= descriptors + 2);
    }
    TEST_CASE("child: dropped in a runtime that ends first, it is left to the next spawn") {
        until_no_child();
        held cat;
        {
            runtime rt(workers(1));
            rt.block_on(drop(std::move(cat.one)));
            CHECK(rt.metrics().alive_tasks == 1);
        }
        CHECK(!has_no_child());
        cat.input.reset();
        wait_until([] {
            static_cast<void>(command("/does/not/exist").spawn());
            return has_no_child();
        });
    }
    TEST_CASE("child: held by a task that the end of its runtime cancels, it is left to the next drop, wait or spawn") {
        until_no_child();
        held cat;
        {
            runtime rt(workers(1));
            rt.spawn(hold(std::move(cat.one))).detach();
        }
        CHECK(!has_no_child());
        cat.input.reset();
        until_no_child();
        CHECK(has_no_child());
    }
    TEST_CASE("child: dropped after the end of the process, nothing is left at once") {
        until_no_child();
        auto one = started(command("true"));
        siginfo_t info = {};
        REQUIRE(::waitid(P_PID, static_cast<id_t>(*one.id()), &info, WEXITED | WNOWAIT) == 0);
        CHECK(!has_no_child());
        { const auto dropped = std::move(one); }
        CHECK(has_no_child());
    }
    TEST_CASE(
        "child: dropped in a simulation while it runs, it is left to the next drop, wait or spawn, and no task fails") {
        until_no_child();
        int unhandled = 0;
        auto options = workers(1);
        options.on_unhandled_exception = [&](pollux::task_id, const std::exception_ptr&) { ++unhandled; };
        held cat;
        {
            pollux::testing::sim_runtime rt(1, options);
            rt.block_on(drop(std::move(cat.one)));
            rt.advance(std::chrono::seconds(0));
        }
        CHECK(unhandled == 0);
        CHECK(!has_no_child());
        cat.input.reset();
        until_no_child();
    }
    TEST_CASE("child: dropped without a runtime while it runs, it is left to the next drop, wait or spawn") {
        until_no_child();
        const auto descriptors = descriptors_of_process();
        {
            held first;
            held second;
            { const auto dropped = std::move(first.one); }
            { const auto dropped = std::move(second.one); }
            pollux::process::detail::look_through_orphans();
            CHECK(!has_no_child());
        }
        until_no_child();
        CHECK(descriptors_of_process() == descriptors);
    }
    TEST_CASE("child: kill_on_drop kills it, though its input is held open") {
        until_no_child();
        auto killed = endless;
        killed.kill_on_drop(true);
        auto one = started(killed);
        const auto input = one.take_stdin();
        SUBCASE("without a runtime") {
            { const auto dropped = std::move(one); }
            until_no_child();
        }
        SUBCASE("in a runtime") {
            runtime rt(workers(1));
            rt.block_on(drop(std::move(one)));
            wait_until(has_no_child);
        }
    }
    TEST_CASE("output: dropped half way with kill_on_drop, it kills the process") {
        until_no_child();
        runtime rt(workers(1));
        {
            auto running = rt.spawn(shell("echo; exec sleep 1000").kill_on_drop(true).output());
            wait_until([] { return !has_no_child(); });
            running.abort();
        }
        wait_until(has_no_child);
    }
    TEST_CASE("child: assigned over, the old one is dropped") {
        until_no_child();
        auto one = started(endless);
        one = started(endless);
        { const auto dropped = std::move(one); }
        until_no_child();
    }
    TEST_CASE("child: a hundred, dropped at different stages, leave nothing") {
        until_no_child();
        runtime rt(workers(2));
        {
            held first;
            auto fut = first.one.wait();
            // With it the reactor opens what it keeps.
            CHECK(rt.block_on(pollux::poll_fn(
                [&](pollux::context& cx) -> pollux::polled<bool> { return fut.poll(cx).is_pending(); })));
            rt.block_on(drop(std::move(first.one)));
        }
        wait_until([&] { return has_no_child() && rt.metrics().alive_tasks == 0; });
        const auto descriptors = descriptors_of_process();
        for (int i = 0; i != 100; ++i) {
            auto one = started(endless);
            if (i % 4 == 1) static_cast<void>(one.start_kill());
            if (i % 4 == 2) static_cast<void>(one.take_stdin());
            if (i % 4 == 3) static_cast<void>(rt.block_on(one.wait()));
            rt.block_on(drop(std::move(one)));
        }
        wait_until([&] { return has_no_child() && rt.metrics().alive_tasks == 0; });
        CHECK(descriptors_of_process() == descriptors);
    }
}
