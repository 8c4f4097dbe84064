// SPDX-License-Identifier: MIT
#include "pollux/process/child.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <expected>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/process/command.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/testing/poll.hpp"
#include "process/processes.hpp"
#include "support/driver_options.hpp"
#include "support/forbidden_call.hpp"
#include "support/process_state.hpp"

namespace {

using namespace pollux::test;
using pollux::current_thread_runtime;
using pollux::process::child;
using pollux::process::command;
using pollux::process::exit_status;
using pollux::process::stdio;

static_assert(pollux::future<decltype(std::declval<child&>().wait())>);
static_assert(pollux::future<decltype(std::declval<child&>().kill())>);
static_assert(!std::is_copy_constructible_v<child>);
static_assert(std::is_nothrow_move_constructible_v<child>);
static_assert(std::is_nothrow_move_assignable_v<child>);

child started(const command& what) {
    auto one = what.spawn();
    REQUIRE(one.has_value());
    return std::move(*one);
}
/// It waits until it is told to go on, by the end of its input.
child waiting() { return started(command("cat").stdin(stdio::piped).stdout(stdio::piped)); }

// The system waits for them, as long as this is there.
class ignored_children {
public:
    ignored_children() noexcept : before_(::signal(SIGCHLD, SIG_IGN)) {}
    ignored_children(const ignored_children&) = delete;
    ignored_children& operator=(const ignored_children&) = delete;
    ~ignored_children() { ::signal(SIGCHLD, before_); }

private:
    void (*before_)(int);
};

bool is_pending_once(current_thread_runtime& rt, auto& fut) {
    return rt.block_on(
        pollux::poll_fn([&](pollux::context& cx) -> pollux::polled<bool> { return fut.poll(cx).is_pending(); }));
}

}  // namespace

TEST_SUITE("process/child") {
    TEST_CASE("child: has a number until its end was seen") {
        until_no_child();
        current_thread_runtime rt(pollux::test::driver_options());
        auto one = waiting();
        REQUIRE(one.id().has_value());
        CHECK(::kill(*one.id(), 0) == 0);
        const auto ended = rt.block_on(one.wait());
        REQUIRE(ended.has_value());
        CHECK(ended->success());
        CHECK(!one.id().has_value());
        CHECK(has_no_child());
    }
    TEST_CASE("wait: closes the pipe to its input; the same answer again and again") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto one = started(shell("cat; exit 9").stdin(stdio::piped));
        for (int i = 0; i != 3; ++i) {
            const auto ended = rt.block_on(one.wait());
            REQUIRE(ended.has_value());
            CHECK(ended->code() == 9);
        }
        CHECK(!one.take_stdin().has_value());
    }
    TEST_CASE("wait: leaves an input alone that was taken, is lazy, and dropping it loses nothing") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto one = waiting();
        {
            const auto unused = one.wait();
            static_cast<void>(unused);
        }
        auto input = one.take_stdin();
        REQUIRE(input.has_value());
        CHECK(!one.take_stdin().has_value());
        for (int i = 0; i != 3; ++i) {
            auto fut = one.wait();
            CHECK(is_pending_once(rt, fut));
        }
        input.reset();
        CHECK(rt.block_on(one.wait()).value().success());
    }
    TEST_CASE("wait: the child may be moved between two waits") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto one = waiting();
        auto input = one.take_stdin();
        {
            auto fut = one.wait();
            CHECK(is_pending_once(rt, fut));
        }
        auto moved = std::move(one);
        input.reset();
        CHECK(rt.block_on(moved.wait()).value().success());
    }
    TEST_CASE("wait: throws no_runtime outside a runtime") {
        auto one = started(command("true"));
        auto fut = one.wait();
        CHECK_THROWS_AS(static_cast<void>(pollux::testing::poll_once(fut)), pollux::no_runtime);
        current_thread_runtime rt(pollux::test::driver_options());
        CHECK(rt.block_on(one.wait()).value().success());
    }
    TEST_CASE(
        "wait: fails with operation_canceled after the end of the runtime in which it has waited; try_wait does not") {
        auto one = waiting();
        auto input = one.take_stdin();
        {
            current_thread_runtime rt(pollux::test::driver_options());
            auto fut = one.wait();
            CHECK(is_pending_once(rt, fut));
        }
        current_thread_runtime rt(pollux::test::driver_options());
        CHECK(rt.block_on(one.wait()).error() == std::errc::operation_canceled);
        input.reset();
        std::optional<exit_status> ended;
        while (!ended.has_value()) ended = one.try_wait().value();
        CHECK(ended->success());
    }
    TEST_CASE("wait: somebody else has waited for it: no_child_process, and the drop is quiet") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto one = started(command("true"));
        int status = 0;
        REQUIRE(::waitpid(*one.id(), &status, 0) == *one.id());
        CHECK(rt.block_on(one.wait()).error() == std::errc::no_child_process);
        CHECK(one.try_wait().error() == std::errc::no_child_process);
        CHECK(one.start_kill().error() == std::errc::no_such_process);
    }
    // spawn failed, and killed whoever had the number by then.
    TEST_CASE("child: one whose end nobody can learn any more is a child all the same, and is not killed") {
        until_no_child();
        const ignored_children ignored;
        // As if it had ended, and the system had waited for it, before its descriptor was opened.
        std::expected<child, std::error_code> made = std::unexpected(std::error_code());
        bool is_forbidden = false;
        std::thread([&] {
            is_forbidden = forbid_call(SYS_pidfd_open, ESRCH);
            made = command("cat").stdin(stdio::piped).stdout(stdio::piped).spawn();
        }).join();
        REQUIRE(is_forbidden);
        REQUIRE(made.has_value());
        CHECK(!made->id().has_value());
        CHECK(made->try_wait().error() == std::errc::no_child_process);
        CHECK(made->start_kill().error() == std::errc::no_such_process);
        current_thread_runtime rt(pollux::test::driver_options());
        auto input = made->take_stdin();
        auto output = made->take_stdout();
        CHECK(rt.block_on(input->write_all("alive")).has_value());
        input.reset();
        CHECK(rt.block_on(output->read_to_end()).value() == "alive");
        {
            auto fut = made->wait();
            CHECK_THROWS_AS(static_cast<void>(pollux::testing::poll_once(fut)), pollux::no_runtime);
        }
        CHECK(rt.block_on(made->wait()).error() == std::errc::no_child_process);
        CHECK(rt.block_on(made->kill()).error() == std::errc::no_such_process);
        { const auto dropped = std::move(*made); }
        until_no_child();
    }
    TEST_CASE("spawn: where the system waits for the children, each begins and none is known to have failed") {
        until_no_child();
        const ignored_children ignored;
        current_thread_runtime rt(pollux::test::driver_options());
        int started_well = 0;
        for (int i = 0; i != 100; ++i) {
            auto one = command("true").spawn();
            started_well += one.has_value() && rt.block_on(one->wait()).error() == std::errc::no_child_process;
        }
        CHECK(started_well == 100);
        until_no_child();
    }
    TEST_CASE("try_wait: nothing while it runs, then how it has ended") {
        until_no_child();
        auto one = waiting();
        CHECK(!one.try_wait().value().has_value());
        CHECK(one.id().has_value());
        static_cast<void>(one.take_stdin());
        std::optional<exit_status> ended;
        while (!ended.has_value()) ended = one.try_wait().value();
        CHECK(ended->success());
        CHECK(one.try_wait().value() == ended);
        CHECK(!one.id().has_value());
        CHECK(has_no_child());
    }
    TEST_CASE("kill: sends SIGKILL and waits; a second one is told that there is no such process") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto one = started(shell("while :; do sleep 1000; done").stdout(stdio::null).stderr(stdio::null));
        const auto ended = rt.block_on(one.kill());
        REQUIRE(ended.has_value());
        CHECK(ended->signal() == SIGKILL);
        CHECK(rt.block_on(one.kill()).error() == std::errc::no_such_process);
        CHECK(one.start_kill().error() == std::errc::no_such_process);
        CHECK(rt.block_on(one.wait()).value() == *ended);
    }
    TEST_CASE("start_kill: does not wait; wait says how it has ended") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto one = waiting();
        CHECK(one.start_kill().has_value());
        CHECK(rt.block_on(one.wait()).value().signal() == SIGKILL);
    }
    TEST_CASE("wait_with_output: what comes by the pipes that are still here") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto one = started(shell("cat; echo err >&2").stdin(stdio::piped).stdout(stdio::piped).stderr(stdio::piped));
        auto input = one.take_stdin();
        REQUIRE(input.has_value());
        CHECK(rt.block_on(input->write_all("in")).has_value());
        input.reset();
        auto complaints = one.take_stderr();
        REQUIRE(complaints.has_value());
        const auto ended = rt.block_on(std::move(one).wait_with_output());
        REQUIRE(ended.has_value());
        CHECK(ended->status.success());
        CHECK(ended->stdout == "in");
        CHECK(ended->stderr == "");
        CHECK(rt.block_on(complaints->read_to_end()).value() == "err\n");
    }
    TEST_CASE("child: has only the pipes that were asked for, each once") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto one = started(command("cat").stdin(stdio::null).stdout(stdio::piped));
        CHECK(!one.take_stdin().has_value());
        CHECK(!one.take_stderr().has_value());
        CHECK(one.take_stdout().has_value());
        CHECK(!one.take_stdout().has_value());
        CHECK(rt.block_on(one.wait()).has_value());
    }
}
