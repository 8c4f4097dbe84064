// SPDX-License-Identifier: MIT
// Signals that a thread sends to itself: raise() returns after the handler has.
#include "pollux/signal/on.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/spawn.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/driver_options.hpp"
#include "support/everywhere.hpp"
#include "support/process_state.hpp"
#include "support/workers.hpp"

namespace {

using namespace pollux::test;
using pollux::current_thread_runtime;
using pollux::next;
using pollux::runtime;
using pollux::task;
using pollux::signal::on;
using pollux::signal::signal_stream;

static_assert(pollux::stream<signal_stream>);
static_assert(std::is_same_v<signal_stream::value_type, int>);
static_assert(std::is_same_v<signal_stream::error_type, pollux::never>);
static_assert(!std::is_copy_constructible_v<signal_stream>);
static_assert(std::is_nothrow_move_constructible_v<signal_stream>);
static_assert(std::is_nothrow_move_assignable_v<signal_stream>);

struct sigaction installed(int number) {
    struct sigaction now;
    REQUIRE(::sigaction(number, nullptr, &now) == 0);
    return now;
}

bool has_handler(int number, void (*plain)(int)) {
    const auto now = installed(number);
    return (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == plain;
}
bool has_handler(int number, void (*informed)(int, siginfo_t*, void*)) {
    const auto now = installed(number);
    return (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == informed;
}

// Puts back, at the end of a test, what it found.
class handler_of_test {
public:
    handler_of_test(int number, const struct sigaction& action) : number_(number) {
        REQUIRE(::sigaction(number, &action, &previous_) == 0);
    }
    handler_of_test(const handler_of_test&) = delete;
    handler_of_test& operator=(const handler_of_test&) = delete;
    ~handler_of_test() { ::sigaction(number_, &previous_, nullptr); }

private:
    int number_;
    struct sigaction previous_ = {};
};

int plain_calls = 0;
int informed_calls = 0;
::pid_t informed_of = 0;
bool is_masked = false;

void count_plain(int number) {
    plain_calls += number == SIGUSR1 ? 1 : 100;
    sigset_t blocked;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    is_masked = ::sigismember(&blocked, SIGUSR2) == 1;
}
void count_informed(int, siginfo_t* info, void* state) {
    informed_calls += state != nullptr;
    informed_of = info->si_pid;
}

struct sigaction plain_action() {
    struct sigaction action = {};
    action.sa_handler = &count_plain;
    ::sigaddset(&action.sa_mask, SIGUSR2);
    plain_calls = 0;
    is_masked = false;
    return action;
}
struct sigaction informed_action() {
    struct sigaction action = {};
    action.sa_sigaction = &count_informed;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    informed_calls = 0;
    informed_of = 0;
    return action;
}
struct sigaction simple_action(void (*handler)(int)) {
    struct sigaction action = {};
    action.sa_handler = handler;
    return action;
}

/// One poll in `rt` gives nothing.
bool is_quiet(current_thread_runtime& rt, signal_stream& signals) {
    return rt.block_on(pollux::poll_fn(
        [&](pollux::context& cx) -> pollux::polled<bool> { return signals.poll_next(cx).is_pending(); }));
}

/// As a program that installs a handler over ours and calls it.
struct sigaction below = {};
void call_below(int number, siginfo_t* info, void* state) { below.sa_sigaction(number, info, state); }
struct sigaction action_over_ours() {
    struct sigaction action = {};
    action.sa_sigaction = &call_below;
    action.sa_flags = SA_SIGINFO;
    return action;
}

// On a worker, which blocks signals. Not kill(): thread sanitizer keeps a signal back from a thread that waits in a system call of ours.
void signal_this_thread() {
    sigset_t one, before;
    ::sigemptyset(&one);
    ::sigaddset(&one, SIGUSR1);
    ::pthread_sigmask(SIG_UNBLOCK, &one, &before);
    ::raise(SIGUSR1);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

task<int> signal_at_once() {
    auto signals = on(SIGUSR1);
    signal_this_thread();
    const auto first = co_await next(signals);
    co_return first.value_or(0);
}

task<int> wait_for(signal_stream& signals, int& waiting) {
    ++waiting;
    const auto first = co_await next(signals);
    co_return first.value_or(0);
}

// A signal that comes while a task waits.
task<int> signal_later() {
    auto signals = on(SIGUSR1);
    int waiting = 0;
    auto waiter = pollux::spawn(wait_for(signals, waiting));
    for (int i = 0; i != 10; ++i) co_await pollux::yield_now();
    signal_this_thread();
    co_return co_await std::move(waiter);
}

// Counts a missing item as an allocation.
task<std::size_t> allocations_of_ten(signal_stream& signals) {
    std::size_t missing = 0;
    const allocation_counter allocations;
    for (int i = 0; i != 10; ++i) {
        ::raise(SIGUSR1);
        const auto item = co_await next(signals);
        missing += item != SIGUSR1;
    }
    co_return allocations.count() + missing;
}

}  // namespace

TEST_SUITE("signal/on") {
    TEST_CASE("on: an item is the number of a signal that came, in every kind of runtime") {
        gives_everywhere([] { return signal_at_once(); }, SIGUSR1);
    }
    TEST_CASE("on: a task that waits is woken by the signal, in every kind of runtime") {
        gives_everywhere([] { return signal_later(); }, SIGUSR1);
    }
    TEST_CASE("on: counts from its making, not from the first poll") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto signals = on(SIGUSR1);
        ::raise(SIGUSR1);
        CHECK(rt.block_on(next(signals)) == SIGUSR1);
        CHECK(is_quiet(rt, signals));
    }
    TEST_CASE("on: signals that come before one poll are one item; later ones are another") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto signals = on(SIGUSR1);
        for (int i = 0; i != 3; ++i) ::raise(SIGUSR1);
        CHECK(rt.block_on(next(signals)) == SIGUSR1);
        CHECK(is_quiet(rt, signals));
        for (int i = 0; i != 5; ++i) {
            ::raise(SIGUSR1);
            CHECK(rt.block_on(next(signals)) == SIGUSR1);
            CHECK(is_quiet(rt, signals));
        }
    }
    TEST_CASE(
        "on: each stream of a signal gets its own items, in runtimes of its own, and later ones get no earlier "
        "signal") {
        current_thread_runtime one;
        runtime other(workers(1));
        auto first = on(SIGUSR1);
        auto second = on(SIGUSR1);
        CHECK(is_quiet(one, first));
        ::raise(SIGUSR1);
        auto third = on(SIGUSR1);
        CHECK(one.block_on(next(first)) == SIGUSR1);
        CHECK(other.block_on(next(second)) == SIGUSR1);
        CHECK(is_quiet(one, third));
        ::raise(SIGUSR1);
        CHECK(other.block_on(next(second)) == SIGUSR1);
        CHECK(one.block_on(next(first)) == SIGUSR1);
        CHECK(one.block_on(next(third)) == SIGUSR1);
    }
    TEST_CASE("on: streams of two signals do not mix") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto first = on(SIGUSR1);
        auto second = on(SIGUSR2);
        ::raise(SIGUSR2);
        CHECK(is_quiet(rt, first));
        CHECK(rt.block_on(next(second)) == SIGUSR2);
    }
    TEST_CASE("on: a stream may be moved while it waits, and assigned to") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto signals = on(SIGUSR1);
        CHECK(is_quiet(rt, signals));
        auto moved = std::move(signals);
        ::raise(SIGUSR1);
        CHECK(rt.block_on(next(moved)) == SIGUSR1);
        moved = on(SIGUSR2);
        CHECK(has_handler(SIGUSR1, SIG_DFL));
        ::raise(SIGUSR2);
        CHECK(rt.block_on(next(moved)) == SIGUSR2);
    }
    TEST_CASE("on: the end of the last stream restores the default") {
        CHECK(has_handler(SIGUSR1, SIG_DFL));
        {
            auto first = on(SIGUSR1);
            {
                const auto second = on(SIGUSR1);
                CHECK((installed(SIGUSR1).sa_flags & SA_SIGINFO) != 0);
            }
            CHECK((installed(SIGUSR1).sa_flags & SA_SIGINFO) != 0);
            CHECK((installed(SIGUSR1).sa_flags & SA_RESTART) != 0);
            CHECK((installed(SIGUSR1).sa_flags & SA_ONSTACK) != 0);
        }
        CHECK(has_handler(SIGUSR1, SIG_DFL));
    }
    TEST_CASE("on: a plain handler that was there is called too, with its mask and flags, and restored") {
        const handler_of_test before(SIGUSR1, plain_action());
        current_thread_runtime rt(pollux::test::driver_options());
        {
            auto signals = on(SIGUSR1);
            CHECK((installed(SIGUSR1).sa_flags & SA_RESTART) == 0);
            ::raise(SIGUSR1);
            CHECK(plain_calls == 1);
            CHECK(is_masked);
            CHECK(rt.block_on(next(signals)) == SIGUSR1);
            ::raise(SIGUSR1);
            CHECK(plain_calls == 2);
        }
        CHECK(has_handler(SIGUSR1, &count_plain));
        const auto restored = installed(SIGUSR1);
        CHECK(::sigismember(&restored.sa_mask, SIGUSR2) == 1);
        ::raise(SIGUSR1);
        CHECK(plain_calls == 3);
    }
    TEST_CASE("on: a handler that was there and takes information gets it") {
        const handler_of_test before(SIGUSR1, informed_action());
        {
            const auto signals = on(SIGUSR1);
            CHECK((installed(SIGUSR1).sa_flags & SA_RESTART) != 0);
            ::raise(SIGUSR1);
            CHECK(informed_calls == 1);
            CHECK(informed_of == ::getpid());
        }
        CHECK(has_handler(SIGUSR1, &count_informed));
    }
    TEST_CASE("on: a signal that was ignored is ignored again afterwards; ignored children still leave no zombies") {
        const handler_of_test before(SIGCHLD, simple_action(SIG_IGN));
        {
            const auto signals = on(SIGCHLD);
            CHECK((installed(SIGCHLD).sa_flags & SA_NOCLDWAIT) != 0);
        }
        CHECK(has_handler(SIGCHLD, SIG_IGN));
    }
    TEST_CASE("on: a handler that was installed over it stays, and the streams go on below it") {
        const handler_of_test before(SIGUSR1, plain_action());
        current_thread_runtime rt(pollux::test::driver_options());
        {
            auto signals = on(SIGUSR1);
            const auto over = action_over_ours();
            REQUIRE(::sigaction(SIGUSR1, &over, &below) == 0);
            ::raise(SIGUSR1);
            CHECK(rt.block_on(next(signals)) == SIGUSR1);
            CHECK(plain_calls == 1);
        }
        CHECK(has_handler(SIGUSR1, &call_below));
        ::raise(SIGUSR1);
        CHECK(plain_calls == 2);
        {
            auto signals = on(SIGUSR1);
            CHECK(has_handler(SIGUSR1, &call_below));
            ::raise(SIGUSR1);
            CHECK(plain_calls == 3);
            CHECK(rt.block_on(next(signals)) == SIGUSR1);
            REQUIRE(::sigaction(SIGUSR1, &below, nullptr) == 0);
            ::raise(SIGUSR1);
            CHECK(plain_calls == 4);
            CHECK(rt.block_on(next(signals)) == SIGUSR1);
        }
        CHECK(has_handler(SIGUSR1, &count_plain));
    }
    TEST_CASE("on: is installed anew where the program has gone back to the default meanwhile") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto first = on(SIGUSR1);
        const auto none = simple_action(SIG_DFL);
        REQUIRE(::sigaction(SIGUSR1, &none, nullptr) == 0);
        auto second = on(SIGUSR1);
        ::raise(SIGUSR1);
        CHECK(rt.block_on(next(first)) == SIGUSR1);
        CHECK(rt.block_on(next(second)) == SIGUSR1);
        first = on(SIGUSR2);
        second = on(SIGUSR2);
        CHECK(has_handler(SIGUSR1, SIG_DFL));
    }
    // The stream got nothing, ever: ours was believed to be below that function.
    TEST_CASE(
        "on: a function that was installed after the program had gone back to the default is no part of the chain") {
        current_thread_runtime rt(pollux::test::driver_options());
        for (const auto none : {SIG_DFL, SIG_IGN}) {
            const handler_of_test before(SIGUSR1, simple_action(SIG_DFL));
            {
                const auto gone = on(SIGUSR1);
                const auto action = simple_action(none);
                REQUIRE(::sigaction(SIGUSR1, &action, nullptr) == 0);
            }
            CHECK(has_handler(SIGUSR1, none));
            const handler_of_test later(SIGUSR1, plain_action());
            {
                auto signals = on(SIGUSR1);
                ::raise(SIGUSR1);
                CHECK(plain_calls == 1);
                CHECK(!is_quiet(rt, signals));
            }
            CHECK(has_handler(SIGUSR1, &count_plain));
        }
    }
    TEST_CASE("on: refuses what is no signal, cannot be handled or tells of an error in the code") {
        const auto descriptors = descriptors_of_process();
        for (const int number : {-1, 0, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, __SIGRTMIN, NSIG, 1000}) {
            CAPTURE(number);
            CHECK_THROWS_AS(static_cast<void>(on(number)), std::invalid_argument);
        }
        CHECK(descriptors_of_process() == descriptors);
    }
    TEST_CASE("on: takes realtime signals") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto signals = on(SIGRTMAX);
        ::raise(SIGRTMAX);
        CHECK(rt.block_on(next(signals)) == SIGRTMAX);
    }
    TEST_CASE("on: the interrupted code keeps its errno") {
        auto signals = on(SIGUSR1);
        errno = ENOTTY;
        ::raise(SIGUSR1);
        CHECK(errno == ENOTTY);
    }
    TEST_CASE("on: throws no_runtime when polled outside a runtime, and loses nothing by that") {
        auto signals = on(SIGUSR1);
        ::raise(SIGUSR1);
        CHECK_THROWS_AS(static_cast<void>(pollux::testing::poll_once(signals)), pollux::no_runtime);
        current_thread_runtime rt(pollux::test::driver_options());
        CHECK(rt.block_on(next(signals)) == SIGUSR1);
    }
    TEST_CASE("on: throws task_cancelled after the end of the runtime in which it has waited") {
        auto signals = on(SIGUSR1);
        {
            current_thread_runtime rt(pollux::test::driver_options());
            CHECK(is_quiet(rt, signals));
        }
        current_thread_runtime rt(pollux::test::driver_options());
        CHECK_THROWS_AS(static_cast<void>(rt.block_on(next(signals))), pollux::task_cancelled);
    }
    TEST_CASE("on: signals to a forked child are not the parent's") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto signals = on(SIGUSR1);
        CHECK(is_quiet(rt, signals));
        const ::pid_t child = ::fork();
        if (child == 0) {
            ::raise(SIGUSR1);
            ::_exit(7);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 7);
        CHECK(is_quiet(rt, signals));
        ::raise(SIGUSR1);
        CHECK(rt.block_on(next(signals)) == SIGUSR1);
        CHECK(is_quiet(rt, signals));
    }
    TEST_CASE("on: streams leave no descriptor, polled or not, and their items take no allocation") {
        current_thread_runtime rt(pollux::test::driver_options());
        {
            auto warm = on(SIGUSR1);
            CHECK(is_quiet(rt, warm));
        }
        const auto descriptors = descriptors_of_process();
        {
            auto first = on(SIGUSR1);
            auto second = on(SIGUSR1);
            CHECK(descriptors_of_process() == descriptors + 3);
            CHECK(is_quiet(rt, first));
            CHECK(rt.block_on(allocations_of_ten(first)) == 0);
        }
        CHECK(descriptors_of_process() == descriptors);
    }
}
