// SPDX-License-Identifier: MIT
#include "pollux/runtime/task_local.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/fork_all.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/lazy.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "support/heap_counter.hpp"
#include "support/manual_event.hpp"
#include "support/manual_future.hpp"
#include "support/wake_counter.hpp"
#include "support/workers.hpp"

namespace {

using pollux::context;
using pollux::fork_join;
using pollux::polled;
using pollux::task;
using pollux::test::heap_counter;
using pollux::test::manual;
using pollux::test::manual_event;
using pollux::test::poll_with;
using pollux::test::wake_counter;
using pollux::test::workers;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

pollux::task_local<int> number;
pollux::task_local<int> other_number;
pollux::task_local<std::string> name;

int number_or(int absent) {
    const int* const value = number.get();
    return value != nullptr ? *value : absent;
}

// Gives what the key has in each of its polls, and notes what it has when it is destroyed.
class looks {
public:
    using value_type = int;
    using error_type = pollux::never;

    looks(int polls, std::vector<int>& seen) : left_(polls), seen_(&seen) {}
    looks(looks&& other) noexcept : left_(other.left_), seen_(std::exchange(other.seen_, nullptr)) {}
    looks& operator=(looks&&) = delete;
    ~looks() {
        if (seen_ != nullptr) seen_->push_back(-number_or(-1000));
    }
    polled<int> poll(context& cx) {
        seen_->push_back(number_or(-1));
        if (--left_ == 0) return number_or(-1);
        cx.waker().wake();
        return pollux::pending;
    }

private:
    int left_;
    std::vector<int>* seen_;
};

struct looks_at_end {
    std::atomic<int>& right;
    int expected;
    ~looks_at_end() {
        if (number_or(-1) == expected) ++right;
    }
};

// How the future under test is run: scopes mean the same in all of them.
enum class way { spawned, in_block_on, below_join, current_thread, without_runtime };
constexpr way all_ways[] = {way::spawned, way::in_block_on, way::below_join, way::current_thread, way::without_runtime};

template <class F>
auto run_by(way how, unsigned n, F work) {
    if (how == way::without_runtime) return pollux::block_on(std::move(work));
    if (how == way::current_thread) {
        pollux::current_thread_runtime single;
        return single.block_on(single.spawn(std::move(work)));
    }
    pollux::runtime rt(workers(n));
    if (how == way::spawned) return rt.block_on(rt.spawn(std::move(work)));
    if (how == way::in_block_on) return rt.block_on(std::move(work));
    return std::get<0>(rt.block_on(rt.spawn(pollux::join(std::move(work), pollux::yield_now()))));
}

task<int> sees(int yields) {
    const int first = number_or(-1);
    for (int i = 0; i != yields; ++i) {
        co_await pollux::yield_now();
        if (number_or(-1) != first) co_return -2;
    }
    co_return first;
}
task<int> sees_in_tree(int depth, int yields) {
    if (depth == 0) co_return co_await sees(yields);
    const auto [a, b] = co_await fork_join(sees_in_tree(depth - 1, yields), sees_in_tree(depth - 1, (yields + 1) % 3));
    co_return a + b;
}

}  // namespace

TEST_SUITE("scheduler/task_local") {
    TEST_CASE("scope: gives the value in each poll and while the future is destroyed, and nowhere else") {
        std::vector<int> seen;
        CHECK(number.get() == nullptr);
        {
            auto fut = number.scope(5, looks(2, seen));
            CHECK(seen.empty());
            wake_counter counter;
            assert_pending(poll_with(fut, counter));
            CHECK(number.get() == nullptr);
            CHECK(assert_ready(poll_with(fut, counter)) == 5);
            CHECK(number.get() == nullptr);
            CHECK(seen == std::vector{5, 5});
        }
        CHECK(seen == std::vector{5, 5, -5});
        CHECK(number.get() == nullptr);
    }

    TEST_CASE("scope: a future dropped before its first poll, or pending, sees the value at its end") {
        std::vector<int> seen;
        {
            auto untouched = number.scope(6, looks(2, seen));
            auto moved = std::move(untouched);
        }
        CHECK(seen == std::vector{-6});
        {
            auto waits = number.scope(7, looks(2, seen));
            assert_pending(poll_once(waits));
        }
        CHECK(seen == std::vector{-6, 7, -7});
    }

    TEST_CASE("scope: wakes the latest waker, and passes errors and exceptions") {
        manual<int, std::string> inner;
        auto fut = number.scope(1, inner.future());
        static_assert(std::is_same_v<decltype(fut)::error_type, std::string>);
        wake_counter first;
        wake_counter second;
        assert_pending(poll_with(fut, first));
        assert_pending(poll_with(fut, second));
        inner.complete(std::unexpected("no"));
        CHECK(first.count() == 0);
        CHECK(second.count() == 1);
        CHECK(poll_with(fut, second).error() == "no");
        auto throws = number.scope(
            2, pollux::poll_fn([](context&) -> polled<> { throw std::runtime_error(std::to_string(number_or(-1))); }));
        CHECK_THROWS_WITH_AS(poll_once(throws), "2", std::runtime_error);
        CHECK(number.get() == nullptr);
    }

    TEST_CASE("scope: inner ones of a key shadow, other keys are independent, and the value can be changed") {
        const auto body = []() -> task<std::string> {
            std::string text = std::to_string(*number.get()) + *name.get();
            ++*number.get();
            *name.get() += "!";
            auto nested = number.scope(20, pollux::lazy([] { return std::to_string(*number.get()) + *name.get(); }));
            text += co_await nested;
            text += std::to_string(*number.get());
            co_return text + (other_number.get() == nullptr ? "-" : "+");
        };
        for (const way how : all_ways) CHECK(run_by(how, 2, number.scope(1, name.scope("x", body()))) == "1x20x!2-");
        auto copied = number.scope(3, pollux::ready(1));
        auto copy = copied;
        CHECK(assert_ready(poll_once(copy)) == 1);
    }

    TEST_CASE("scope: coroutines see it after they were suspended and woken, wherever they go on") {
        for (const way how : {way::spawned, way::in_block_on, way::below_join}) {
            for (const unsigned n : {1u, 2u}) {
                manual_event event;
                const auto waits = [](manual_event wait_for) -> task<int> {
                    const int before = number_or(-1);
                    auto fut = wait_for.wait();
                    co_await fut;
                    const int between = co_await sees(50);
                    co_return before == between ? number_or(-1) : -2;
                };
                std::thread sets([&] {
                    while (event.polls() == 0) std::this_thread::yield();
                    event.set();
                });
                const int result = run_by(how, n, number.scope(9, waits(event)));
                sets.join();
                CHECK(result == 9);
            }
        }
    }

    TEST_CASE("scope: tasks of one worker, each in a scope of its own, never see each other's") {
        for (const unsigned n : {1u, 2u}) {
            pollux::runtime rt(workers(n));
            std::vector<pollux::join_handle<int>> handles;
            for (int i = 0; i != 100; ++i)
                handles.push_back(i % 2 == 0 ? rt.spawn(number.scope(i, sees(20))) : rt.spawn(sees(20)));
            for (int i = 0; i != 100; ++i) {
                const int seen = rt.block_on(handles[static_cast<std::size_t>(i)]);
                CHECK(seen == (i % 2 == 0 ? i : -1));
            }
        }
    }

    TEST_CASE("spawn: a task that is spawned inside a scope is not in it") {
        const auto body = []() -> task<int> {
            auto child = pollux::spawn(sees(3));
            auto plain = pollux::spawn([] { return number_or(-1); });
            const int a = co_await child;
            const int b = co_await plain;
            co_return a + b + *number.get();
        };
        for (const way how : {way::spawned, way::in_block_on, way::below_join, way::current_thread})
            CHECK(run_by(how, 2, number.scope(100, body())) == 98);
    }

    TEST_CASE("fork_join and fork_all: children inside a scope see it in each of their polls, at any depth") {
        const auto all = []() -> task<int> {
            std::vector<task<int>> children;
            for (int i = 0; i != 8; ++i) children.push_back(sees(i));
            int sum = 0;
            for (const int each : co_await pollux::fork_all(std::move(children))) sum += each;
            auto nested = number.scope(2, sees_in_tree(2, 1));
            const auto [in_tree, in_own_scope, lent] =
                co_await fork_join(sees_in_tree(4, 0), std::move(nested), [] { return number_or(-1); });
            co_return sum * 10'000 + in_tree * 100 + in_own_scope * 10 + lent;
        };
        for (const way how : all_ways) {
            for (const unsigned n : {1u, 2u, 4u}) {
                CAPTURE(static_cast<int>(how));
                CAPTURE(n);
                for (int round = 0; round != 10; ++round)
                    CHECK(run_by(how, n, number.scope(1, all())) == 80'000 + 1600 + 80 + 1);
            }
        }
    }

    TEST_CASE("fork_join: an exception of a child inside a scope comes out, and the parent's locals are as before") {
        const auto throws = []() -> task<int> {
            co_await pollux::yield_now();
            throw std::runtime_error(std::to_string(number_or(-1)));
        };
        const auto body = [&]() -> task<std::string> {
            std::string what;
            try {
                const auto outcomes = co_await fork_join(sees(2), throws());
                what = std::to_string(std::get<0>(outcomes));
            } catch (const std::runtime_error& error) {
                what = error.what();
            }
            co_return what + std::to_string(number_or(-1));
        };
        for (const way how : all_ways) CHECK(run_by(how, 2, number.scope(4, body())) == "44");
    }

    TEST_CASE("abort: what is inside, and children of its forks, see their locals while they are destroyed") {
        const auto waits = [](manual_event event, std::atomic<int>& right, int expected) -> task<int> {
            const looks_at_end local{right, expected};
            auto fut = event.wait();
            co_await fut;
            co_return 1;
        };
        const auto forks = [&](manual_event event, std::atomic<int>& right) -> task<int> {
            const looks_at_end local{right, 8};
            auto own = number.scope(9, waits(event, right, 9));
            const auto [a, b, c] = co_await fork_join(waits(event, right, 8), std::move(own), waits(event, right, 8));
            co_return a + b + c;
        };
        for (const unsigned n : {1u, 2u}) {
            for (int round = 0; round != 50; ++round) {
                std::atomic<int> right = 0;
                manual_event event;
                pollux::runtime rt(workers(n));
                auto handle = rt.spawn(number.scope(8, forks(event, right)));
                while (event.waiting() != 3) std::this_thread::yield();
                if (round % 2 == 0) {
                    handle.abort();
                    CHECK_THROWS_AS(rt.block_on(std::move(handle)), pollux::task_cancelled);
                } else {
                    auto dropped = std::move(handle);  // the end of the runtime aborts it
                    CHECK(rt.shutdown(std::chrono::seconds(1)).cancelled >= 1);
                }
                CHECK(right == 4);
            }
        }
    }

    TEST_CASE("scope: a runtime that is driven inside of one does not see it") {
        const auto drives = [] {
            pollux::current_thread_runtime single;
            return single.block_on(single.spawn(sees(2))) + number_or(-1);
        };
        CHECK(pollux::block_on(number.scope(10, pollux::lazy(drives))) == 9);
    }

    TEST_CASE("scope: allocates nothing, and a child of a fork inside one block more") {
        wake_counter counter;
        const auto waker = counter.waker();
        context cx(waker);
        {
            const heap_counter heap;
            auto fut = number.scope(1, name.scope("x", pollux::ready(1)));
            const bool is_ready = fut.poll(cx).is_ready();
            CHECK(heap.by_this_thread() == 0);
            CHECK(is_ready);
        }
        const auto large_child = []() -> task<int> {
            volatile char padding[2000] = {};  // larger than any block that a worker keeps
            padding[0] = 1;
            co_await pollux::yield_now();
            co_return padding[0];
        };
        const auto counts = [&]() -> task<std::size_t> {
            const heap_counter heap;
            const auto [a, b] = co_await fork_join(large_child(), large_child());
            co_return a + b == 2 ? heap.by_this_thread() : 0;
        };
        pollux::runtime rt(workers(1));
        const auto plain = rt.block_on(rt.spawn(pollux::join(counts())));
        const auto inside = rt.block_on(rt.spawn(number.scope(1, pollux::join(counts()))));
        CHECK(std::get<0>(plain) == 2);
        CHECK(std::get<0>(inside) >= 2);
        CHECK(std::get<0>(inside) <= 4);  // a worker may have kept small blocks
    }
}
