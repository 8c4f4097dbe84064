// SPDX-License-Identifier: MIT
// What the watchdog says about polls that take longer than the limit. The polls wait here until it has said so: nothing depends on
// how fast the machine is, but for polls that must not be reported, whose limit is far away.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <mutex>
#include <source_location>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/offload/block_in_place.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/time/sleep.hpp"
#include "support/captured_stderr.hpp"
#include "support/manual_event.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

using namespace std::chrono_literals;
using pollux::long_poll;
using pollux::spawn;
using pollux::task;
using pollux::test::captured_stderr;
using pollux::test::manual_event;
using pollux::test::wait_until;
using pollux::test::workers;

namespace {

// Collects what on_long_poll is told.
class reports {
public:
    void add(const long_poll& one) {
        const std::lock_guard guard(lock_);
        all_.push_back(one);
        ++count_;
    }
    int count() const { return count_; }
    std::vector<long_poll> all() const {
        const std::lock_guard guard(lock_);
        return all_;
    }

private:
    mutable std::mutex lock_;
    std::vector<long_poll> all_;
    std::atomic<int> count_{0};
};

pollux::runtime_options reporting_to(reports& to, unsigned n, std::chrono::nanoseconds limit) {
    auto options = workers(n);
    options.watchdog_limit = limit;
    options.on_long_poll = [&to](const long_poll& one) { to.add(one); };
    return options;
}

pollux::runtime_options with_limit(unsigned n, std::chrono::nanoseconds limit) {
    auto options = workers(n);
    options.watchdog_limit = limit;
    return options;
}

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
    return n;
}

task<> innermost(manual_event event, const std::atomic<bool>& may_wait) {
    wait_until([&] { return may_wait.load(); });
    auto fut = event.wait();
    co_await fut;
}
task<> middle(manual_event event, const std::atomic<bool>& may_wait) { co_await innermost(event, may_wait); }
task<> outermost(manual_event event, const std::atomic<bool>& may_wait) { co_await middle(event, may_wait); }

task<int> stays_for_two(const reports& told, int result) {
    wait_until([&] { return told.count() >= 2; });
    co_return result;
}

}  // namespace

TEST_SUITE("scheduler/watchdog") {
    TEST_CASE("a poll over the limit is reported while it runs, with its task and where that was spawned, once") {
        for (const bool is_coroutine : {false, true}) {
            CAPTURE(is_coroutine);
            reports told;
            pollux::runtime rt(reporting_to(told, 1, 20ms));
            const auto here = std::source_location::current();
            auto stays = [&] {
                wait_until([&] { return told.count() != 0; });
                std::this_thread::sleep_for(60ms);  // time for a second report, which must not come
            };
            auto handle = is_coroutine ? rt.spawn(
                                             [&]() -> task<> {
                                                 stays();
                                                 co_return;
                                             },
                                             here)
                                       : rt.spawn(stays, here);
            const auto id = handle.id();
            rt.block_on(handle);
            REQUIRE(told.count() == 1);
            CHECK(told.all()[0].task == id);
            CHECK(told.all()[0].spawned_at.line() == here.line());
            CHECK(std::string(told.all()[0].spawned_at.file_name()) == here.file_name());
            CHECK(told.all()[0].so_far >= 20ms);
        }
    }

    TEST_CASE("each poll of a task is reported, and each of several that are stuck at once") {
        reports told;
        pollux::runtime rt(reporting_to(told, 1, 10ms));
        auto twice = rt.spawn([&]() -> task<> {
            wait_until([&] { return told.count() == 1; });
            co_await pollux::yield_now();
            wait_until([&] { return told.count() == 2; });
        });
        const auto id = twice.id();
        rt.block_on(twice);
        CHECK(told.all()[0].task == id);
        CHECK(told.all()[1].task == id);
        std::vector<pollux::join_handle<void>> handles;
        for (int i = 0; i != 3; ++i)
            handles.push_back(rt.spawn([&] { wait_until([&] { return told.count() == 5; }); }));
        std::vector<pollux::task_id> ids;
        for (auto& each : handles) {
            ids.push_back(each.id());
            rt.block_on(each);
        }
        for (const auto each : ids) {
            const auto all = told.all();
            CHECK(std::ranges::count_if(all, [&](const long_poll& one) { return one.task == each; }) == 1);
        }
    }

    TEST_CASE("a child of fork_join that is stuck is reported as its task, also where a thief runs it") {
        reports told;
        pollux::runtime rt(reporting_to(told, 2, 10ms));
        auto handle = rt.spawn([&]() -> task<int> {
            // Both at once, on two workers: the second is stolen, since the first one waits for two reports.
            auto both = co_await pollux::fork_join(stays_for_two(told, 1), stays_for_two(told, 2));
            co_return std::get<0>(both) + std::get<1>(both);
        });
        const auto id = handle.id();
        CHECK(rt.block_on(handle) == 3);
        REQUIRE(told.count() >= 2);
        CHECK(told.all()[0].task == id);
        CHECK(told.all()[1].task == id);
    }

    TEST_CASE("stderr: one line while it runs, one when it has ended") {
        const captured_stderr captured;
        {
            pollux::runtime rt(with_limit(1, 10ms));
            auto handle = rt.spawn([&] { wait_until([&] { return captured.text().ends_with("for long work\n"); }); });
            const std::string name = "pollux: task " + std::to_string(handle.id().value);
            rt.block_on(handle);
            wait_until([&] { return captured.text().ends_with(" ms\n"); });
            const std::string text = captured.text();
            CHECK(text.starts_with(name + " (spawned at "));
            CHECK(count_of(text, "watchdog_test.cpp:") == 1);
            CHECK(count_of(text, "): its poll has been running for ") == 1);
            CHECK(count_of(text, name + ": that poll took ") == 1);
            CHECK(count_of(text, "\n") == 2);
        }
    }

    TEST_CASE("stderr: if the task waits at the end, the frames that wait, the innermost last") {
        const captured_stderr captured;
        std::atomic<bool> may_wait{false};
        manual_event event;
        pollux::runtime rt(with_limit(1, 10ms));
        auto handle = rt.spawn(outermost(event, may_wait));
        wait_until([&] { return captured.text().ends_with("for long work\n"); });
        may_wait = true;
        wait_until([&] { return count_of(captured.text(), "\npollux:   in ") == 3; });
        event.set();
        rt.block_on(handle);
        const std::string text = captured.text();
        CHECK(count_of(text, " ms; the task waits\n") == 1);
        CHECK(count_of(text, "+0x") == 3);
    }

    TEST_CASE("a poll in block_in_place is not reported; what comes after it is a new one") {
        reports told;
        pollux::runtime rt(reporting_to(told, 1, 30ms));
        int before_end = -1;
        std::chrono::nanoseconds since_end{};
        rt.block_on(rt.spawn([&] {
            std::chrono::steady_clock::time_point end;
            pollux::block_in_place([&] {
                std::this_thread::sleep_for(90ms);
                end = std::chrono::steady_clock::now();
            });
            before_end = told.count();
            wait_until([&] { return told.count() != before_end; });
            since_end = std::chrono::steady_clock::now() - end;
        }));
        CHECK(before_end == 0);
        REQUIRE(told.count() == 1);
        CHECK(told.all()[0].so_far <= since_end + 1ms);  // by another clock, from a moment after `end`
    }

    TEST_CASE("polls below the limit are not reported, nor is a fork that gives way in time") {
        reports told;
        {
            pollux::runtime rt(reporting_to(told, 1, 10s));
            rt.block_on(rt.spawn([] { std::this_thread::sleep_for(20ms); }));
        }
        CHECK(told.count() == 0);
    }

    TEST_CASE("no more than ten reports at once, and the next line says how many were left out") {
        const captured_stderr captured;
        pollux::runtime rt(with_limit(1, 2ms));
        wait_until([&] {
            rt.block_on(rt.spawn([] { std::this_thread::sleep_for(10ms); }));
            return captured.text().find("more reports were left out before\n") != std::string::npos;
        });
        const std::string text = captured.text();
        const auto first_after = text.find("more reports were left out");
        CHECK(count_of(text.substr(0, first_after), "its poll has been running") >= 11);
    }

    TEST_CASE("shutdown in on_long_poll, which it would have to wait for, throws, and nothing is done") {
        std::atomic<bool> is_refused = false;
        std::unique_ptr<pollux::runtime> rt;
        auto options = with_limit(1, 1ms);
        options.on_long_poll = [&](const long_poll&) {
            try {
                rt->shutdown(1h);
            } catch (const std::system_error& error) {
                is_refused = error.code() == std::errc::resource_deadlock_would_occur;
            }
        };
        rt = std::make_unique<pollux::runtime>(std::move(options));
        rt->block_on(rt->spawn([&] { wait_until([&] { return is_refused.load(); }); }));
        CHECK(rt->block_on(rt->spawn(pollux::ready(3))) == 3);
    }

    TEST_CASE("what on_long_poll throws is a line on stderr, and the watchdog goes on") {
        const captured_stderr captured;
        std::atomic<int> calls{0};
        auto options = with_limit(1, 10ms);
        options.on_long_poll = [&](const long_poll&) {
            ++calls;
            throw std::runtime_error("on purpose");
        };
        {
            pollux::runtime rt(options);
            for (int i = 1; i != 3; ++i) rt.block_on(rt.spawn([&calls, i] { wait_until([&] { return calls == i; }); }));
        }
        CHECK(count_of(captured.text(), "pollux: on_long_poll: threw: on purpose; ") == 2);
        CHECK(count_of(captured.text(), "that poll took") == 0);
    }
}

TEST_SUITE("scheduler/watchdog stress") {
    TEST_CASE("polls that end at the moment they are reported") {
        std::atomic<int> told{0};
        auto options = with_limit(2, 1ms);
        options.on_long_poll = [&](const long_poll& one) { told += one.task.value != 0 ? 1 : 0; };
        pollux::runtime rt(options);
        for (int round = 0; round != 50; ++round) {
            std::vector<pollux::join_handle<int>> handles;
            for (int i = 0; i != 4; ++i)
                handles.push_back(rt.spawn([i]() -> task<int> {
                    for (int k = 0; k != 3; ++k) {
                        std::this_thread::sleep_for(std::chrono::microseconds(900 + 100 * i));
                        co_await pollux::yield_now();
                    }
                    auto both = co_await pollux::fork_join(
                        [](int n) -> task<int> {
                            std::this_thread::sleep_for(std::chrono::microseconds(1000));
                            co_return n;
                        }(i),
                        [](int n) -> task<int> { co_return n; }(1));
                    co_return std::get<0>(both) + std::get<1>(both);
                }));
            int sum = 0;
            for (auto& each : handles) sum += rt.block_on(each);
            CHECK(sum == 10);
        }
        CHECK(told > 0);
    }
}
