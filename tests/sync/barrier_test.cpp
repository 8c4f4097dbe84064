// SPDX-License-Identifier: MIT
#include "pollux/sync/barrier.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "support/end_of_process.hpp"
#include "support/heap_counter.hpp"
#include "support/spent_budget.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::sync::barrier;
using pollux::test::poll_with;
using pollux::test::poll_without_budget;
using pollux::test::wake_counter;
using pollux::testing::poll_once;
using waiting = decltype(std::declval<barrier&>().wait());

struct waiting_task {
    explicit waiting_task(barrier& at) : fut(std::in_place, at.wait()) {}

    // Nothing: it waits.
    std::optional<bool> poll() {
        auto answer = poll_with(*fut, task);
        return answer.is_ready() ? std::optional(answer.value()) : std::nullopt;
    }

    wake_counter task;
    std::optional<waiting> fut;
};

pollux::task<> comes_often(barrier& at, int& inside, int& wrong, int& last) {
    for (int round = 1; round <= 5; ++round) {
        ++inside;
        const bool is_last = co_await at.wait();
        if (inside < 3 * round) ++wrong;
        if (is_last) ++last;
    }
}

}  // namespace

TEST_SUITE("sync/barrier") {
    TEST_CASE("wait: is lazy; nobody goes on before all have come, then all do, and the last gets true") {
        static_assert(pollux::future<waiting>);
        barrier at(3);
        waiting_task never_polled(at);
        waiting_task first(at);
        waiting_task second(at);
        waiting_task third(at);
        CHECK(first.poll() == std::nullopt);
        CHECK(second.poll() == std::nullopt);
        CHECK(first.poll() == std::nullopt);
        CHECK(first.task.count() + second.task.count() == 0);
        CHECK(third.poll() == true);
        CHECK(first.task.count() == 1);
        CHECK(second.task.count() == 1);
        CHECK(third.task.count() == 0);
        CHECK(first.poll() == false);
        CHECK(second.poll() == false);
        CHECK_FALSE(first.task.is_kept());
    }

    TEST_CASE("wait: the next round begins at once, also before those of the last one have been polled") {
        barrier at(2);
        waiting_task first(at);
        waiting_task second(at);
        waiting_task third(at);
        waiting_task fourth(at);
        CHECK(first.poll() == std::nullopt);
        CHECK(second.poll() == true);
        CHECK(third.poll() == std::nullopt);
        CHECK(first.poll() == false);
        CHECK(third.poll() == std::nullopt);
        CHECK(fourth.poll() == true);
        CHECK(third.poll() == false);
    }

    TEST_CASE("wait: one that is dropped while it waits has not come") {
        barrier at(2);
        waiting_task dropped(at);
        waiting_task first(at);
        waiting_task second(at);
        CHECK(dropped.poll() == std::nullopt);
        dropped.fut.reset();
        CHECK_FALSE(dropped.task.is_kept());
        CHECK(first.poll() == std::nullopt);
        CHECK(second.poll() == true);
        CHECK(first.poll() == false);
    }

    TEST_CASE("wait: one that is dropped after it was let through takes nobody back") {
        barrier at(2);
        waiting_task dropped(at);
        waiting_task last(at);
        CHECK(dropped.poll() == std::nullopt);
        CHECK(last.poll() == true);
        dropped.fut.reset();
        waiting_task first(at);
        waiting_task second(at);
        CHECK(first.poll() == std::nullopt);
        CHECK(second.poll() == true);
    }

    TEST_CASE("wait: the latest waker is woken") {
        barrier at(2);
        wake_counter other;
        waiting_task first(at);
        waiting_task last(at);
        CHECK(first.poll() == std::nullopt);
        CHECK(poll_with(*first.fut, other).is_pending());
        CHECK_FALSE(first.task.is_kept());
        CHECK(last.poll() == true);
        CHECK(first.task.count() == 0);
        CHECK(other.count() == 1);
    }

    TEST_CASE("wait: any number is woken, each once; from inside the wake-up others may be dropped and polled") {
        constexpr std::size_t count = 30;
        barrier at(count);
        std::vector<std::unique_ptr<waiting_task>> waiters;
        for (std::size_t i = 0; i != count - 1; ++i) {
            waiters.push_back(std::make_unique<waiting_task>(at));
            CHECK(waiters.back()->poll() == std::nullopt);
        }
        std::optional<bool> polled_inside;
        waiters[0]->task.on_wake([&] {
            waiters[27]->fut.reset();
            polled_inside = waiters[28]->poll();
        });
        waiting_task last(at);
        CHECK(last.poll() == true);
        CHECK(polled_inside == false);
        for (std::size_t i = 0; i != count - 1; ++i) CHECK(waiters[i]->task.count() == (i < 27 ? 1 : 0));
        waiting_task next(at);
        CHECK(next.poll() == std::nullopt);
    }

    TEST_CASE("a barrier of 0 is as one of 1: each is let through and is the last") {
        barrier none(0);
        barrier one(1);
        for (int i = 0; i != 2; ++i) {
            CHECK(pollux::block_on(none.wait()));
            CHECK(pollux::block_on(one.wait()));
        }
    }

    TEST_CASE("wait: with the budget spent it has come, and gives its answer later") {
        barrier at(2);
        wake_counter task;
        waiting_task first(at);
        auto last = at.wait();
        CHECK(first.poll() == std::nullopt);
        CHECK(poll_without_budget(last, task).is_pending());
        CHECK(task.count() == 1);
        CHECK(first.task.count() == 1);
        CHECK(poll_without_budget(*first.fut, first.task).is_pending());
        CHECK(first.poll() == false);
        auto answer = poll_with(last, task);
        REQUIRE(answer.is_ready());
        CHECK(answer.value());
    }

    TEST_CASE("wait: may be moved before its first poll, not after") {
        barrier at(1);
        auto fut = at.wait();
        auto moved = std::move(fut);
        CHECK(poll_once(moved).is_ready());
        const auto message = pollux::test::message_of_abort([] {
            barrier two(2);
            auto waits = two.wait();
            static_cast<void>(poll_once(waits));
            const auto too_late = std::move(waits);
        });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll"));
    }

#ifndef NDEBUG
    TEST_CASE("wait: a debug build stops with a message when it is polled after it was ready") {
        barrier at(1);
        const auto message = pollux::test::message_of_second_poll(at.wait());
        CHECK(message.starts_with("pollux: barrier::wait: polled after it was ready"));
    }
#endif

    TEST_CASE("nothing is allocated") {
        wake_counter task;
        const auto waker = task.waker();
        pollux::context cx(waker);
        const pollux::test::heap_counter heap;
        {
            barrier at(2);
            auto first = at.wait();
            auto second = at.wait();
            CHECK(first.poll(cx).is_pending());
            CHECK(second.poll(cx).is_ready());
            CHECK(first.poll(cx).is_ready());
        }
        CHECK(heap.by_this_thread() == 0);
    }

    TEST_CASE("under every seed nobody is a round ahead, and each round has one last") {
        for (std::uint64_t seed = 1; seed <= 30; ++seed) {
            CAPTURE(seed);
            pollux::testing::sim_runtime sim(seed);
            barrier at(3);
            int inside = 0;
            int wrong = 0;
            int last = 0;
            for (int i = 0; i != 3; ++i) sim.spawn(comes_often(at, inside, wrong, last)).detach();
            sim.advance(std::chrono::nanoseconds(0));
            CHECK(inside == 15);
            CHECK(wrong == 0);
            CHECK(last == 5);
        }
    }
}
