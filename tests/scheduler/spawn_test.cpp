// SPDX-License-Identifier: MIT
#include "pollux/runtime/spawn.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "support/heap_counter.hpp"
#include "support/manual_event.hpp"
#include "support/tracked.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using pollux::polled;
using pollux::task;
using pollux::test::heap_counter;
using pollux::test::manual_event;
using pollux::test::tracked;
using pollux::test::wait_until;
using pollux::test::workers;
using pollux::testing::assert_pending;
using pollux::testing::poll_once;

task<int> number(int n) { co_return n; }
task<std::unique_ptr<int>, std::string> owns(bool fail) {
    if (fail) co_return std::unexpected("no");
    co_return std::make_unique<int>(4);
}

task<int> seven() { return number(7); }
int eight() { return 8; }

struct this_threads_runtime {
    template <class F>
    auto spawn(F&& work) {
        return pollux::spawn(std::forward<F>(work));
    }
};

// A future that waits until it was polled `polls` times, and wakes itself.
class self_waking {
public:
    using value_type = int;
    using error_type = pollux::never;
    explicit self_waking(int polls) : left_(polls) {}
    polled<int> poll(pollux::context& cx) {
        if (--left_ <= 0) return 1;
        cx.waker().wake();
        return pollux::pending;
    }

private:
    int left_;
};

}  // namespace

TEST_SUITE("scheduler/spawn") {
    TEST_CASE("spawn: takes tasks, futures and callables, from outside and from inside") {
        pollux::runtime rt(workers(2));
        auto inside = [](auto& from) -> task<std::string> {
            auto of_task = from.spawn(number(1));
            auto of_future = from.spawn(pollux::ready(2));
            auto of_failing = from.spawn(owns(true));
            auto of_good = from.spawn(owns(false));
            auto of_callable = from.spawn([] { return 5; });
            auto of_callable_with_future = from.spawn([] { return pollux::ready(6); });
            auto of_callable_with_task = from.spawn([n = std::make_unique<int>(7)]() -> task<int> {
                co_await pollux::yield_now();
                co_return *n;
            });
            auto of_expected = from.spawn([]() -> std::expected<int, std::string> { return std::unexpected("8"); });
            static_assert(std::is_same_v<decltype(of_good), pollux::join_handle<std::unique_ptr<int>, std::string>>);
            std::string text;
            text += std::to_string(co_await of_task) + std::to_string(co_await of_future);
            const auto failed = co_await of_failing;
            text += failed.error();
            const auto good = co_await of_good;
            text += std::to_string(**good);
            text += std::to_string(co_await of_callable) + std::to_string(co_await of_callable_with_future);
            text += std::to_string(co_await of_callable_with_task);
            const auto expected = co_await of_expected;
            text += expected.error();
            co_return text;
        };
        CHECK(rt.block_on(inside(rt)) == "12no45678");
        CHECK(rt.block_on(rt.spawn(inside(rt))) == "12no45678");
        this_threads_runtime current;
        CHECK(rt.block_on(inside(current)) == "12no45678");
        CHECK(rt.block_on(rt.spawn(inside(current))) == "12no45678");
        auto handle = rt.handle();
        CHECK(rt.block_on(inside(handle)) == "12no45678");
    }

    // The name did not compile, and the message told to move it.
    TEST_CASE("spawn: takes the name of a function, as block_on does") {
        pollux::runtime rt(workers(1));
        CHECK(rt.block_on(rt.spawn(seven)) == 7);
        CHECK(rt.block_on(rt.spawn(eight)) == 8);
        CHECK(rt.block_on(seven) == 7);
        CHECK(rt.block_on(eight) == 8);
    }

    TEST_CASE("spawn: throws no_runtime outside of a runtime, and inside a bare block_on") {
        CHECK_THROWS_AS((void)pollux::spawn(number(1)), pollux::no_runtime);
        auto inside = []() -> task<bool> {
            bool has_thrown = false;
            try {
                pollux::spawn(number(1)).detach();
            } catch (const pollux::no_runtime& error) {
                has_thrown = std::string(error.what()).starts_with("pollux: spawn: no runtime on this thread; ");
            }
            co_return has_thrown;
        };
        CHECK(pollux::block_on(inside()));
    }

    TEST_CASE("spawn: a task that was polled before goes on in the runtime") {
        manual_event event;
        auto waits = [](manual_event wait_for) -> task<int> {
            auto fut = wait_for.wait();
            co_await fut;
            co_return 3;
        };
        auto fut = waits(event);
        assert_pending(poll_once(fut));
        pollux::runtime rt(workers(1));
        auto handle = rt.spawn(std::move(fut));
        wait_until([&] { return event.polls() == 2; });
        event.set();
        CHECK(rt.block_on(std::move(handle)) == 3);
    }

    TEST_CASE("spawn: a lent future is polled where it stands") {
        pollux::runtime rt(workers(1));
        self_waking fut(3);
        CHECK(rt.block_on(rt.spawn(pollux::by_ref(fut))) == 1);
    }

    TEST_CASE("spawn: ids are given once, and a handle and the task itself know the same") {
        pollux::runtime rt(workers(2));
        pollux::runtime other(workers(1));
        std::set<pollux::task_id> ids;
        auto my_id = []() -> task<std::optional<pollux::task_id>> {
            const auto first = pollux::current_task_id();
            co_await pollux::yield_now();
            co_return first == pollux::current_task_id() ? first : std::nullopt;
        };
        for (int i = 0; i != 3000; ++i) {
            auto handle = (i % 2 ? rt : other).spawn(my_id());
            ids.insert(handle.id());
            const auto inside = rt.block_on(std::move(handle));
            if (!inside || !ids.contains(*inside)) FAIL("a task has another id than its handle");
        }
        CHECK(ids.size() == 3000);
        CHECK_FALSE(pollux::current_task_id().has_value());
        CHECK_FALSE(rt.block_on(
            pollux::poll_fn([](pollux::context&) -> polled<bool> { return pollux::current_task_id().has_value(); })));
    }

    TEST_CASE("spawn: a future is destroyed before its handle is woken, in its own task") {
        std::atomic<int> alive = 0;
        struct checks_its_task {
            using value_type = int;
            using error_type = pollux::never;
            tracked counted;
            std::optional<pollux::task_id>* seen;
            polled<int> poll(pollux::context&) { return 1; }
            checks_its_task(std::atomic<int>& count, std::optional<pollux::task_id>& to) : counted(count), seen(&to) {}
            checks_its_task(checks_its_task&& other) noexcept
                : counted(std::move(other.counted)), seen(std::exchange(other.seen, nullptr)) {}
            ~checks_its_task() {
                if (seen != nullptr) *seen = pollux::current_task_id();
            }
        };
        pollux::runtime rt(workers(2));
        for (int i = 0; i != 200; ++i) {
            std::optional<pollux::task_id> seen;
            auto handle = rt.spawn(checks_its_task(alive, seen));
            const auto id = handle.id();
            const int alive_at_end = rt.block_on([](auto task_handle, std::atomic<int>& count) -> task<int> {
                co_await task_handle;
                co_return count.load();
            }(std::move(handle), alive));
            CHECK(alive_at_end == 0);
            CHECK(seen == id);
        }
    }

    TEST_CASE("spawn: a plain future takes one block, a task none beyond its frame") {
        pollux::runtime rt(workers(1));
        auto body = []() -> task<std::string> {
            std::string wrong;
            const auto expect = [&](std::size_t count, std::size_t is, const char* what) {
                if (count != is) wrong += what + std::to_string(count) + " ";
            };
            for (int round = 0; round != 2; ++round) {
                const heap_counter of_future;
                // Larger than any block that a worker keeps, so that the heap is asked each time.
                struct large {
                    using value_type = int;
                    using error_type = pollux::never;
                    char padding[2000] = {};
                    polled<int> poll(pollux::context&) { return 1; }
                };
                auto first = pollux::spawn(large());
                expect(of_future.by_this_thread(), 1, "spawn of a future: ");
                co_await first;
                expect(of_future.by_this_thread(), 1, "future: ");

                auto large_task = [](int n) -> task<int> {
                    volatile char padding[2000] = {};
                    padding[n] = 1;
                    co_await pollux::yield_now();
                    co_return padding[n];
                };
                const heap_counter of_task;
                auto made = large_task(3);
                expect(of_task.by_this_thread(), 1, "frame: ");
                auto second = pollux::spawn(std::move(made));
                expect(of_task.by_this_thread(), 1, "spawn of a task: ");
                co_await second;
                expect(of_task.by_this_thread(), 1, "task: ");
            }
            co_return wrong;
        };
        CHECK(rt.block_on(rt.spawn(body())) == "");
    }

    TEST_CASE("spawn: from outside it takes one block too, and waking, aborting and dropping take none") {
        auto options = workers(1);
        options.watchdog_limit =
            {};  // it may hire a thread, which takes blocks too, if the machine does not go on for a while
        pollux::runtime rt(options);
        manual_event event;
        manual_event never_set;
        rt.block_on(rt.spawn(pollux::ready()));
        const heap_counter of_spawn;
        auto wait = event.wait();
        auto handle = rt.spawn(std::move(wait));
        auto aborted = rt.spawn(never_set.wait());
        auto dropped = rt.spawn(pollux::ready(1));
        CHECK(of_spawn.by_this_thread() == 3);
        wait_until([&] { return event.polls() == 1 && never_set.polls() == 1; });
        const heap_counter after;
        event.wake();
        wait_until([&] { return event.polls() == 2; });
        auto kept = event.kept_waker();
        for (int i = 0; i != 1000; ++i) {
            auto copy = kept;
            copy.wake();
        }
        event.set();
        wait_until([&] { return handle.is_finished(); });
        kept.wake();
        auto to_abort = aborted.abort_handle();
        to_abort.abort();
        aborted.abort();
        wait_until([&] { return aborted.is_finished(); });
        dropped.detach();
        CHECK(after.by_all_threads() == 0);
    }

    TEST_CASE("spawn: a callable is destroyed with its task, not before the future that it returned") {
        std::atomic<int> alive = 0;
        manual_event event;
        pollux::runtime rt(workers(1));
        auto handle = rt.spawn([counted = tracked(alive), wait = event]() mutable -> task<> {
            auto fut = wait.wait();
            co_await fut;
        });
        wait_until([&] { return event.polls() == 1; });
        CHECK(alive == 1);
        event.set();
        rt.block_on(std::move(handle));
        CHECK(alive == 0);
    }
}
