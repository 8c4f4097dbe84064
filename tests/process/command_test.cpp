// SPDX-License-Identifier: MIT
#include "pollux/process/command.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <system_error>
#include <tuple>
#include <vector>

#include "pollux/future/join.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/testing/poll.hpp"
#include "process/processes.hpp"
#include "support/driver_options.hpp"
#include "support/everywhere.hpp"
#include "support/process_state.hpp"
#include "support/workers.hpp"

namespace {

using namespace pollux::test;
using pollux::current_thread_runtime;
using pollux::task;
using pollux::process::command;
using pollux::process::stdio;

/// What the command writes, once it has ended well.
std::string text_of(const command& what) {
    current_thread_runtime rt(pollux::test::driver_options());
    const auto ended = rt.block_on(what.output());
    REQUIRE(ended.has_value());
    CHECK(ended->status.success());
    CHECK(ended->stderr == "");
    return ended->stdout;
}

task<std::string> words() {
    const auto ended = co_await shell("echo out; echo err >&2; exit 3").output();
    if (!ended.has_value()) co_return ended.error().message();
    co_return std::to_string(ended->status.code().value_or(-1)) + ' ' + ended->stdout + ended->stderr;
}

/// Two lines: the masks of signals that are blocked and that are ignored. The C library ignores two of its own, above the named ones.
void check_signals(const std::string& masks) {
    constexpr unsigned long long named = 0x7fffffff;
    std::size_t length = 0;
    CHECK((std::stoull(masks, &length, 16) & named) == 0);
    CHECK((std::stoull(masks.substr(length), nullptr, 16) & named) == 0);
}

/// Those that a program which is started from here gets, whatever they are.
std::size_t inherited_descriptors() {
    std::size_t n = 0;
    for (int fd = 0; fd != 1024; ++fd) {
        const int flags = ::fcntl(fd, F_GETFD);
        n += flags >= 0 && (flags & FD_CLOEXEC) == 0;
    }
    return n;
}

}  // namespace

TEST_SUITE("process/command") {
    TEST_CASE("output: exit code and both streams, in every kind of runtime") {
        until_no_child();
        gives_everywhere([] { return words(); }, std::string("3 out\nerr\n"));
        CHECK(has_no_child());
    }
    TEST_CASE("output: more than a pipe holds on both streams at once") {
        current_thread_runtime rt(pollux::test::driver_options());
        const auto ended = rt.block_on(
            shell("head -c 1048576 /dev/zero | tr '\\0' a & head -c 1048576 /dev/zero | tr '\\0' b >&2; wait")
                .output());
        REQUIRE(ended.has_value());
        CHECK(ended->status.success());
        CHECK(ended->stdout == std::string(1048576, 'a'));
        CHECK(ended->stderr == std::string(1048576, 'b'));
    }
    TEST_CASE("output: many at once") {
        until_no_child();
        pollux::runtime rt(workers(2));
        std::vector<pollux::join_handle<pollux::process::output, std::error_code>> running;
        for (int i = 0; i != 20; ++i) running.push_back(rt.spawn(shell("echo $0").arg(std::to_string(i)).output()));
        for (int i = 0; i != 20; ++i) {
            const auto ended = rt.block_on(std::move(running[static_cast<std::size_t>(i)]));
            REQUIRE(ended.has_value());
            CHECK(ended->stdout == std::to_string(i) + '\n');
        }
        CHECK(has_no_child());
    }
    TEST_CASE("output: is lazy, has no input, and leaves streams alone that were said otherwise") {
        {
            const auto unused = command("/does/not/exist").output();
            static_cast<void>(unused);
        }
        CHECK(text_of(command("cat")) == "");
        current_thread_runtime rt(pollux::test::driver_options());
        const auto ended = rt.block_on(shell("echo out; echo err >&2").stdout(stdio::null).output());
        REQUIRE(ended.has_value());
        CHECK(ended->stdout == "");
        CHECK(ended->stderr == "err\n");
    }
    TEST_CASE("output: throws no_runtime outside a runtime, and leaves no zombie by that") {
        {
            auto fut = command("true").output();
            CHECK_THROWS_AS(static_cast<void>(pollux::testing::poll_once(fut)), pollux::no_runtime);
        }
        current_thread_runtime rt(pollux::test::driver_options());
        CHECK(rt.block_on(command("true").status()).value().success());
    }
    TEST_CASE("status: an exit code, or the signal that has ended it") {
        current_thread_runtime rt(pollux::test::driver_options());
        const auto good = rt.block_on(command("true").status());
        REQUIRE(good.has_value());
        CHECK(good->success());
        CHECK(good->code() == 0);
        CHECK(!good->signal().has_value());
        const auto bad = rt.block_on(command("false").status());
        REQUIRE(bad.has_value());
        CHECK(!bad->success());
        CHECK(bad->code() == 1);
        CHECK(*good != *bad);
        const auto killed = rt.block_on(shell("kill -TERM $$").status());
        REQUIRE(killed.has_value());
        CHECK(!killed->success());
        CHECK(!killed->code().has_value());
        CHECK(killed->signal() == SIGTERM);
    }
    TEST_CASE("status: closes the pipes that were asked for") {
        current_thread_runtime rt(pollux::test::driver_options());
        CHECK(rt.block_on(command("cat").stdin(stdio::piped).status()).value().success());
        CHECK(rt.block_on(command("yes").stdout(stdio::piped).status()).value().signal() == SIGPIPE);
    }
    TEST_CASE("spawn: says what the system says of the program, and leaves nothing behind") {
        until_no_child();
        const auto descriptors = descriptors_of_process();
        for (const auto kind : {stdio::inherit, stdio::null, stdio::piped}) {
            auto missing = command("/does/not/exist").stdin(kind).stdout(kind).stderr(kind);
            CHECK(missing.spawn().error() == std::errc::no_such_file_or_directory);
        }
        CHECK(command("pollux-has-no-such-program").spawn().error() == std::errc::no_such_file_or_directory);
        CHECK(command("/etc/passwd").spawn().error() == std::errc::permission_denied);
        CHECK(command("/").spawn().error() == std::errc::permission_denied);
        CHECK(command("true").current_directory("/does/not/exist").spawn().error() ==
              std::errc::no_such_file_or_directory);
        CHECK(descriptors_of_process() == descriptors);
        CHECK(has_no_child());
    }
    TEST_CASE("spawn: refuses zero bytes, and variables without a name or with '=' in it") {
        until_no_child();
        const std::string zero("a\0b", 3);
        constexpr auto invalid = std::errc::invalid_argument;
        CHECK(command(zero).spawn().error() == invalid);
        CHECK(command("true").arg(zero).spawn().error() == invalid);
        CHECK(command("true").current_directory(zero).spawn().error() == invalid);
        CHECK(command("true").env(zero, "x").spawn().error() == invalid);
        CHECK(command("true").env("X", zero).spawn().error() == invalid);
        CHECK(command("true").env("", "x").spawn().error() == invalid);
        CHECK(command("true").env("A=B", "x").spawn().error() == invalid);
        CHECK(has_no_child());
    }
    TEST_CASE("spawn: a process that has no descriptor left is told so") {
        until_no_child();
        // Those that there are now, and one more in turn: each thing that is opened fails once.
        current_thread_runtime rt(pollux::test::driver_options());
        ::rlimit before = {};
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
        const auto descriptors = descriptors_of_process();
        auto all_piped = command("true").stdin(stdio::piped).stdout(stdio::piped).stderr(stdio::piped);
        // Is told before anything is started.
        auto missing = command("/does/not/exist").stdin(stdio::piped).stdout(stdio::piped).stderr(stdio::piped);
        std::vector<int> errors, errors_of_missing;
        const int highest = ::dup(STDIN_FILENO);
        ::close(highest);
        for (int more = 0; more != 7; ++more) {
            ::rlimit limit = before;
            limit.rlim_cur = static_cast<::rlim_t>(highest + more);
            REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
            const auto started = all_piped.spawn();
            errors.push_back(started.has_value() ? 0 : started.error().value());
            errors_of_missing.push_back(missing.spawn().error().value());
            REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
        }
        CHECK(errors == std::vector<int>(7, EMFILE));
        CHECK(errors_of_missing == std::vector<int>(7, EMFILE));
        CHECK(descriptors_of_process() == descriptors);
        CHECK(has_no_child());
    }
    TEST_CASE("command: arguments arrive as they are") {
        const std::vector<std::string> more{"c d", ""};
        CHECK(text_of(shell("printf '[%s]' \"$@\"").args({"sh", "a"}).arg("$b").args(more)) == "[a][$b][c d][]");
    }
    TEST_CASE("command: adds to the environment, replaces, or begins with an empty one") {
        REQUIRE(::setenv("POLLUX_TEST", "theirs", 1) == 0);
        CHECK(text_of(shell("echo $POLLUX_TEST $POLLUX_OTHER")) == "theirs\n");
        CHECK(text_of(shell("echo $POLLUX_TEST $POLLUX_OTHER").env("POLLUX_OTHER", "b").env("POLLUX_TEST", "a")) ==
              "a b\n");
        CHECK(text_of(command("env").env("LOST", "1").clear_env().env("A", "1").env("B", "=").env("A", "2")) ==
              "A=2\nB==\n");
        REQUIRE(::unsetenv("POLLUX_TEST") == 0);
    }
    TEST_CASE("command: begins in the directory that was said") {
        CHECK(text_of(shell("pwd").current_directory("/")) == "/\n");
    }
    TEST_CASE("command: may be copied, and spawned again") {
        const auto one = shell("echo $0").arg("x");
        auto other = one;
        CHECK(text_of(other.arg("y")) == "x\n");
        CHECK(text_of(one) == "x\n");
        CHECK(text_of(one) == "x\n");
    }
    TEST_CASE("command: the child has no signal blocked or ignored, also of a worker") {
        const auto print = shell("sed -nE 's/^Sig(Blk|Ign):.//p' /proc/self/status");
        struct sigaction ignored = {}, before = {};
        ignored.sa_handler = SIG_IGN;
        REQUIRE(::sigaction(SIGPIPE, &ignored, &before) == 0);
        check_signals(text_of(print));
        pollux::runtime rt(workers(1));
        const auto ended = rt.block_on(rt.spawn(print.output()));
        REQUIRE(ended.has_value());
        check_signals(ended->stdout);
        REQUIRE(::sigaction(SIGPIPE, &before, nullptr) == 0);
    }
    TEST_CASE("command: the child has its three streams and nothing of ours") {
        const auto inherited = inherited_descriptors();
        current_thread_runtime rt(pollux::test::driver_options());
        auto fut =
            pollux::join(shell("ls /proc/self/fd | wc -l").stdin(stdio::null).output(), command("true").status());
        const auto both = rt.block_on(std::move(fut));
        const auto& listed = std::get<0>(both);
        REQUIRE(listed.has_value());
        // The listing itself has the folder open.
        CHECK(listed->stdout == std::to_string(inherited + 1) + '\n');
    }
}
