// SPDX-License-Identifier: MIT
#include "pollux/runtime/unconstrained.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "support/heap_counter.hpp"
#include "support/manual_future.hpp"
#include "support/wake_counter.hpp"
#include "support/workers.hpp"

namespace {

using pollux::context;
using pollux::polled;
using pollux::task;
using pollux::unconstrained;
using pollux::test::manual;
using pollux::test::poll_with;
using pollux::test::wake_counter;
using pollux::test::workers;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;

// A leaf that is always ready, as far as the budget goes.
auto leaf() {
    return pollux::poll_fn([](context& cx) -> polled<int> {
        if (!cx.consume_budget()) return pollux::pending;
        return 1;
    });
}
task<int> one() { co_return 1; }
// Ready leaves and ready tasks, far more than a poll may have.
task<int> greedy(int n) {
    int sum = 0;
    for (int i = 0; i != n; ++i) {
        auto fut = leaf();
        sum += co_await fut;
        sum += co_await one();
    }
    co_return sum;
}

}  // namespace

TEST_SUITE("scheduler/unconstrained") {
    TEST_CASE("unconstrained: what is inside never runs out of budget, and what is around it still does") {
        for (const unsigned n : {1u, 2u}) {
            pollux::runtime rt(workers(n));
            const int free = rt.block_on(rt.spawn(unconstrained(greedy(10'000))));
            CHECK(free == 20'000);
            CHECK(rt.metrics().forced_yields == 0);
            const int mixed = rt.block_on(rt.spawn([]() -> task<int> {
                auto inside = unconstrained(greedy(1000));
                const int first = co_await inside;
                const int second = co_await greedy(1000);
                co_return first + second;
            }));
            CHECK(mixed == 4000);
            CHECK(rt.metrics().forced_yields > 0);
        }
        pollux::current_thread_runtime single;
        auto handle = single.spawn(unconstrained(greedy(10'000)));
        CHECK(single.poll_once() == 1);
        CHECK(handle.is_finished());
        CHECK(pollux::block_on(unconstrained(greedy(10'000))) == 20'000);
    }

    TEST_CASE("unconstrained: keeps the waker and the runtime") {
        manual<int> inner;
        auto fut = unconstrained(inner.future());
        CHECK(inner.polls() == 0);
        wake_counter first;
        wake_counter second;
        assert_pending(poll_with(fut, first));
        assert_pending(poll_with(fut, second));
        inner.complete(5);
        CHECK(first.count() == 0);
        CHECK(second.count() == 1);
        CHECK(assert_ready(poll_with(fut, second)) == 5);

        pollux::runtime rt(workers(1));
        const bool same = rt.block_on(rt.spawn(pollux::poll_fn([](context& cx) -> polled<bool> {
            const auto* const outside = cx.runtime();
            auto sees = unconstrained(pollux::poll_fn([outside](context& inside) -> polled<bool> {
                return outside != nullptr && inside.runtime() == outside;
            }));
            return sees.poll(cx);
        })));
        CHECK(same);
        const int spawned = rt.block_on(rt.spawn(unconstrained([]() -> task<int> {
            auto child = pollux::spawn(pollux::ready(3));
            co_await pollux::yield_now();
            co_return co_await child;
        }())));
        CHECK(spawned == 3);
    }

    TEST_CASE("unconstrained: passes errors and exceptions, and destroys what it holds") {
        auto failed = unconstrained(pollux::fail<int>(std::string("no")));
        static_assert(std::is_same_v<decltype(failed)::error_type, std::string>);
        wake_counter counter;
        CHECK(poll_with(failed, counter).error() == "no");
        manual<std::unique_ptr<int>> throws;
        manual<> dropped;
        {
            auto fut = unconstrained(throws.future());
            auto early = unconstrained(dropped.future());
            assert_pending(poll_with(fut, counter));
            assert_pending(poll_with(early, counter));
            throws.complete_by_throwing(std::runtime_error("out"));
            CHECK_THROWS_WITH_AS(poll_with(fut, counter), "out", std::runtime_error);
        }
        CHECK_FALSE(throws.is_alive());
        CHECK_FALSE(dropped.is_alive());
    }

    TEST_CASE("unconstrained: allocates nothing") {
        wake_counter counter;
        const auto waker = counter.waker();
        context cx(waker);
        const pollux::test::heap_counter heap;
        auto fut = unconstrained(pollux::ready(1));
        const auto answer = fut.poll(cx);
        CHECK(heap.by_this_thread() == 0);
        CHECK(answer.has_value());
    }
}
