// SPDX-License-Identifier: MIT
#include "pollux/sync/once_cell.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "support/heap_counter.hpp"
#include "support/manual_future.hpp"
#include "support/spent_budget.hpp"
#include "support/tracked.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::sync::once_cell;
using pollux::test::manual;
using pollux::test::poll_with;
using pollux::test::poll_without_budget;
using pollux::test::wake_counter;
using pollux::testing::poll_once;

// A future of a test that an initializer returns.
template <class M>
auto gives(M& future) {
    return [&future] { return future.future(); };
}

pollux::task<> uses(once_cell<int>& cell, int& calls, int& wrong) {
    auto init = [](int& called) -> pollux::task<int> {
        ++called;
        co_await pollux::yield_now();
        co_return 5;
    };
    int* const value = co_await cell.get_or_init([&] { return init(calls); });
    if (*value != 5 || value != cell.get()) ++wrong;
}

}  // namespace

TEST_SUITE("sync/once_cell") {
    TEST_CASE("get: null until the value is there, then always the same place") {
        once_cell<int> cell;
        const auto& const_cell = cell;
        CHECK(cell.get() == nullptr);
        CHECK(const_cell.get() == nullptr);
        int* const value = pollux::block_on(cell.get_or_init([] { return 3; }));
        REQUIRE(value != nullptr);
        CHECK(*value == 3);
        CHECK(cell.get() == value);
        CHECK(const_cell.get() == value);
        CHECK(pollux::block_on(cell.get_or_init([] { return 4; })) == value);
        CHECK(*value == 3);
    }

    TEST_CASE("get_or_init: is lazy, and does not call its function if the value is there") {
        once_cell<int> cell;
        int calls = 0;
        auto first = cell.get_or_init([&] { return ++calls; });
        auto second = cell.get_or_init([&] { return ++calls; });
        CHECK(calls == 0);
        CHECK(poll_once(first).is_ready());
        CHECK(poll_once(second).is_ready());
        CHECK(calls == 1);
    }

    TEST_CASE("get_or_init: takes a plain value, an expected, a future, and a future that can fail") {
        static_assert(
            std::is_same_v<decltype(std::declval<once_cell<int>&>().get_or_init([] { return 1; }))::error_type,
                           pollux::never>);
        once_cell<std::string> plain;
        CHECK(*pollux::block_on(plain.get_or_init([] { return "plain"; })) == "plain");
        once_cell<std::string> expected;
        const auto outcome =
            pollux::block_on(expected.get_or_init([] { return std::expected<std::string, int>("expected"); }));
        REQUIRE(outcome.has_value());
        CHECK(**outcome == "expected");
        once_cell<std::unique_ptr<int>> move_only;
        CHECK(**pollux::block_on(move_only.get_or_init([] { return pollux::ready(std::make_unique<int>(4)); })) == 4);
        once_cell<pollux::unit> nothing;
        auto* const made = pollux::block_on(nothing.get_or_init([] {}));
        CHECK(made == nothing.get());
    }

    TEST_CASE("get_or_init: the others wait while one makes the value, and get the same") {
        once_cell<int> cell;
        manual<int> making;
        wake_counter first_task;
        wake_counter second_task;
        int calls = 0;
        auto first = cell.get_or_init(gives(making));
        auto second = cell.get_or_init([&] { return ++calls; });
        CHECK(poll_with(first, first_task).is_pending());
        CHECK(poll_with(second, second_task).is_pending());
        CHECK(cell.get() == nullptr);
        making.complete(6);
        CHECK(first_task.count() == 1);
        CHECK(second_task.count() == 0);
        auto answer = poll_with(first, first_task);
        REQUIRE(answer.is_ready());
        CHECK(*answer.value() == 6);
        CHECK_FALSE(making.is_alive());
        CHECK(second_task.count() == 1);
        auto other = poll_with(second, second_task);
        REQUIRE(other.is_ready());
        CHECK(other.value() == answer.value());
        CHECK(calls == 0);
    }

    TEST_CASE("get_or_init: an error goes to its own awaiter, and the next runs its own") {
        once_cell<int> cell;
        manual<int, std::string> failing;
        wake_counter task;
        auto first = cell.get_or_init(gives(failing));
        auto second = cell.get_or_init([] { return 8; });
        CHECK(poll_once(first).is_pending());
        CHECK(poll_with(second, task).is_pending());
        failing.complete(std::unexpected(std::string("no")));
        auto answer = poll_once(first);
        REQUIRE(answer.has_error());
        CHECK(answer.error() == "no");
        CHECK_FALSE(failing.is_alive());
        CHECK(task.count() == 1);
        CHECK(cell.get() == nullptr);
        CHECK(*poll_with(second, task).value() == 8);
        auto fails = cell.get_or_init([] { return pollux::fail(1); });
        CHECK(poll_once(fails).has_value());
    }

    TEST_CASE("get_or_init: an initializer that throws, at once or later, lets the next run its own") {
        once_cell<int> cell;
        auto at_once = cell.get_or_init([]() -> int { throw std::runtime_error("at once"); });
        CHECK_THROWS_AS(poll_once(at_once), std::runtime_error);
        manual<int> throwing;
        wake_counter task;
        auto later = cell.get_or_init(gives(throwing));
        auto next = cell.get_or_init([] { return 9; });
        CHECK(poll_once(later).is_pending());
        CHECK(poll_with(next, task).is_pending());
        throwing.complete_by_throwing(std::runtime_error("later"));
        CHECK_THROWS_AS(poll_once(later), std::runtime_error);
        CHECK_FALSE(throwing.is_alive());
        CHECK(task.count() == 1);
        CHECK(*poll_with(next, task).value() == 9);
    }

    TEST_CASE("get_or_init: a constructor of the value that throws lets the next run its own") {
        struct picky {
            explicit picky(int n) {
                if (n == 0) throw std::runtime_error("zero");
            }
        };
        once_cell<picky> cell;
        CHECK_THROWS_AS(pollux::block_on(cell.get_or_init([] { return 0; })), std::runtime_error);
        CHECK(cell.get() == nullptr);
        CHECK(pollux::block_on(cell.get_or_init([] { return 1; })) != nullptr);
    }

    TEST_CASE("get_or_init: an initializer that is dropped is destroyed before the next waiter runs its own") {
        once_cell<int> cell;
        manual<int> making;
        wake_counter task;
        bool was_alive = true;
        std::optional first(cell.get_or_init(gives(making)));
        std::optional given_up(cell.get_or_init([] { return 1; }));
        auto next = cell.get_or_init([&] {
            was_alive = making.is_alive();
            return 2;
        });
        CHECK(poll_once(*first).is_pending());
        CHECK(poll_once(*given_up).is_pending());
        CHECK(poll_with(next, task).is_pending());
        given_up.reset();
        CHECK(task.count() == 0);
        first.reset();
        CHECK(task.count() == 1);
        CHECK(*poll_with(next, task).value() == 2);
        CHECK_FALSE(was_alive);
    }

    TEST_CASE("get_or_init: with the budget spent it does not begin, or gives its answer later") {
        once_cell<int> cell;
        wake_counter task;
        auto first = cell.get_or_init([] { return 1; });
        CHECK(poll_without_budget(first, task).is_pending());
        CHECK(task.count() == 1);
        CHECK(cell.get() == nullptr);
        CHECK(poll_with(first, task).is_ready());
        auto second = cell.get_or_init([] { return 1; });
        CHECK(poll_without_budget(second, task).is_pending());
        CHECK(task.count() == 2);
        CHECK(poll_with(second, task).is_ready());
    }

    TEST_CASE("get_or_init: may be moved before its first poll") {
        once_cell<int> cell;
        auto fut = cell.get_or_init([value = std::make_unique<int>(7)] { return *value; });
        auto moved = std::move(fut);
        CHECK(*poll_once(moved).value() == 7);
    }

    TEST_CASE("the value is destroyed with the cell, once, and a cell without one destroys nothing") {
        std::atomic<int> alive{0};
        {
            once_cell<pollux::test::tracked> cell;
            once_cell<pollux::test::tracked> empty;
            static_cast<void>(pollux::block_on(cell.get_or_init([&] { return pollux::test::tracked(alive); })));
            CHECK(alive == 1);
        }
        CHECK(alive == 0);
    }

    TEST_CASE("nothing is allocated") {
        wake_counter task;
        const auto waker = task.waker();
        pollux::context cx(waker);
        const pollux::test::heap_counter heap;
        {
            once_cell<int> cell;
            auto fut = cell.get_or_init([] { return 1; });
            CHECK(fut.poll(cx).is_ready());
        }
        CHECK(heap.by_this_thread() == 0);
    }

    TEST_CASE("under every seed one initializer runs") {
        for (std::uint64_t seed = 1; seed <= 30; ++seed) {
            CAPTURE(seed);
            pollux::testing::sim_runtime sim(seed);
            once_cell<int> cell;
            int calls = 0;
            int wrong = 0;
            for (int i = 0; i != 5; ++i) sim.spawn(uses(cell, calls, wrong)).detach();
            sim.advance(std::chrono::nanoseconds(0));
            CHECK(calls == 1);
            CHECK(wrong == 0);
            REQUIRE(cell.get() != nullptr);
        }
    }
}
