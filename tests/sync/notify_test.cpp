// SPDX-License-Identifier: MIT
#include "pollux/sync/notify.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "support/end_of_process.hpp"
#include "support/heap_counter.hpp"
#include "support/spent_budget.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::sync::notify;
using pollux::test::poll_with;
using pollux::test::poll_without_budget;
using pollux::test::wake_counter;
using pollux::testing::poll_once;

using waiting = decltype(std::declval<notify&>().notified());

struct waiting_task {
    explicit waiting_task(notify& by) : fut(std::in_place, by.notified()) {}

    bool is_ready() { return poll_with(*fut, task).is_ready(); }

    wake_counter task;
    std::optional<waiting> fut;
};

bool is_one_kept(notify& by) {
    auto fut = by.notified();
    return poll_once(fut).is_ready();
}

pollux::task<> waits_for(notify& changed, const bool& is_set, int& seen) {
    for (;;) {
        auto change = changed.notified();
        if (is_set) break;
        co_await change;
    }
    ++seen;
}

}  // namespace

TEST_SUITE("sync/notify") {
    TEST_CASE("a notify is small, and notified() is a future that cannot fail") {
        static_assert(pollux::future<waiting>);
        static_assert(std::is_void_v<waiting::value_type>);
        static_assert(std::is_same_v<waiting::error_type, pollux::never>);
        CHECK(sizeof(notify) <= 64);
    }

    TEST_CASE("notify_one: wakes the one that waits longest, in the order of the first polls") {
        notify by;
        waiting_task made_first(by);
        waiting_task polled_first(by);
        CHECK_FALSE(polled_first.is_ready());
        CHECK_FALSE(made_first.is_ready());
        by.notify_one();
        CHECK(polled_first.task.count() == 1);
        CHECK(made_first.task.count() == 0);
        CHECK(polled_first.is_ready());
        CHECK_FALSE(made_first.is_ready());
        by.notify_one();
        CHECK(made_first.task.count() == 1);
        CHECK(made_first.is_ready());
        CHECK_FALSE(is_one_kept(by));
    }

    TEST_CASE("notify_one: is kept if nobody waits, one however often, for the next first poll") {
        notify by;
        waiting_task made_before(by);
        by.notify_one();
        by.notify_one();
        CHECK(made_before.is_ready());
        CHECK_FALSE(is_one_kept(by));
    }

    TEST_CASE("notify_one: one that was given to a waiter that is dropped goes to the next, or is kept") {
        notify by;
        waiting_task first(by);
        waiting_task second(by);
        CHECK_FALSE(first.is_ready());
        CHECK_FALSE(second.is_ready());
        by.notify_one();
        first.fut.reset();
        CHECK(second.task.count() == 1);
        second.fut.reset();
        CHECK(is_one_kept(by));
    }

    TEST_CASE("notified: a waiter that is dropped before leaves nothing behind") {
        notify by;
        waiting_task first(by);
        waiting_task second(by);
        CHECK_FALSE(first.is_ready());
        CHECK_FALSE(second.is_ready());
        first.fut.reset();
        CHECK_FALSE(first.task.is_kept());
        by.notify_one();
        CHECK(first.task.count() == 0);
        CHECK(second.is_ready());
        {
            waiting_task last(by);
            CHECK_FALSE(last.is_ready());
        }
        by.notify_one();
        CHECK(is_one_kept(by));
    }

    TEST_CASE("notified: the latest waker is woken, and a spurious poll changes nothing") {
        notify by;
        wake_counter other;
        waiting_task one(by);
        CHECK_FALSE(one.is_ready());
        CHECK_FALSE(one.is_ready());
        CHECK(poll_with(*one.fut, other).is_pending());
        CHECK_FALSE(one.task.is_kept());
        by.notify_one();
        CHECK(one.task.count() == 0);
        CHECK(other.count() == 1);
        CHECK(one.is_ready());
        CHECK_FALSE(other.is_kept());
    }

    TEST_CASE("notify_all: reaches who was made before, polled or not, and nobody later; it keeps nothing") {
        notify by;
        waiting_task polled(by);
        waiting_task unpolled(by);
        CHECK_FALSE(polled.is_ready());
        by.notify_all();
        waiting_task later(by);
        CHECK(polled.task.count() == 1);
        CHECK_FALSE(later.is_ready());
        CHECK(polled.is_ready());
        CHECK(unpolled.is_ready());
        by.notify_one();
        CHECK(later.is_ready());
    }

    TEST_CASE("notify_all: without a waiter it reaches who is made and not polled, and leaves what is kept") {
        notify by;
        by.notify_one();
        waiting_task unpolled(by);
        by.notify_all();
        CHECK(unpolled.is_ready());
        CHECK(is_one_kept(by));
    }

    TEST_CASE("notify_all: wakes any number, each once") {
        constexpr std::size_t count = 50;
        notify by;
        std::vector<std::unique_ptr<waiting_task>> waiters;
        for (std::size_t i = 0; i != count; ++i) {
            waiters.push_back(std::make_unique<waiting_task>(by));
            CHECK_FALSE(waiters.back()->is_ready());
        }
        by.notify_all();
        by.notify_all();
        for (const auto& each : waiters) {
            CHECK(each->task.count() == 1);
            CHECK(each->is_ready());
        }
    }

    TEST_CASE(
        "notify_all: those who wait may be dropped, polled and made from inside the wake-up, and notify_one is for "
        "others") {
        notify by;
        std::vector<std::unique_ptr<waiting_task>> waiters;
        for (int i = 0; i != 20; ++i) {
            waiters.push_back(std::make_unique<waiting_task>(by));
            CHECK_FALSE(waiters.back()->is_ready());
        }
        waiting_task made_meanwhile(by);
        bool is_last_ready = false;
        bool is_late_ready = true;
        waiters[0]->task.on_wake([&] {
            waiters[18]->fut.reset();
            is_last_ready = waiters[19]->is_ready();
            made_meanwhile.fut.emplace(by.notified());
            is_late_ready = made_meanwhile.is_ready();
            by.notify_one();
        });
        by.notify_all();
        CHECK(is_last_ready);
        CHECK_FALSE(is_late_ready);
        CHECK(waiters[17]->task.count() == 1);
        CHECK(waiters[18]->task.count() == 0);
        CHECK(waiters[19]->task.count() == 0);
        CHECK(made_meanwhile.task.count() == 1);
        CHECK(made_meanwhile.is_ready());
        CHECK_FALSE(is_one_kept(by));
    }

    TEST_CASE("notify_one and notify_all for one waiter: dropped, it passes the one on") {
        notify by;
        waiting_task both(by);
        CHECK_FALSE(both.is_ready());
        by.notify_one();
        by.notify_all();
        both.fut.reset();
        CHECK(is_one_kept(by));
    }

    TEST_CASE("notified: with the budget spent it keeps the notification, or passes it on when it is dropped") {
        notify by;
        wake_counter task;
        by.notify_one();
        auto fut = std::make_unique<waiting>(by.notified());
        CHECK(poll_without_budget(*fut, task).is_pending());
        CHECK(task.count() == 1);
        CHECK_FALSE(is_one_kept(by));
        SUBCASE("kept") { CHECK(poll_with(*fut, task).is_ready()); }
        SUBCASE("dropped") {
            fut.reset();
            CHECK(is_one_kept(by));
        }
        SUBCASE("after a wait") {
            CHECK(poll_with(*fut, task).is_ready());
            fut = std::make_unique<waiting>(by.notified());
            CHECK(poll_with(*fut, task).is_pending());
            by.notify_one();
            CHECK(poll_without_budget(*fut, task).is_pending());
            fut.reset();
            CHECK(is_one_kept(by));
        }
    }

    TEST_CASE("notified: may be moved before its first poll and counts from its making, not after") {
        notify by;
        auto fut = by.notified();
        by.notify_all();
        auto moved = std::move(fut);
        CHECK(poll_once(moved).is_ready());
        const auto message = pollux::test::message_of_abort([&by] {
            auto waits = by.notified();
            static_cast<void>(poll_once(waits));
            const auto too_late = std::move(waits);
        });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll"));
    }

    TEST_CASE("nothing is allocated") {
        wake_counter task;
        const auto waker = task.waker();
        pollux::context cx(waker);
        const pollux::test::heap_counter heap;
        {
            notify by;
            auto first = by.notified();
            auto second = by.notified();
            CHECK(first.poll(cx).is_pending());
            CHECK(second.poll(cx).is_pending());
            by.notify_one();
            by.notify_all();
            CHECK(first.poll(cx).is_ready());
            CHECK(second.poll(cx).is_ready());
        }
        CHECK(heap.by_this_thread() == 0);
    }

    TEST_CASE("under every seed no change is missed by who looks after making its notified") {
        for (std::uint64_t seed = 1; seed <= 30; ++seed) {
            CAPTURE(seed);
            pollux::testing::sim_runtime sim(seed);
            notify changed;
            bool is_set = false;
            int seen = 0;
            for (int i = 0; i != 5; ++i) sim.spawn(waits_for(changed, is_set, seen)).detach();
            const auto sets = [](notify& by, bool& flag) -> pollux::task<> {
                by.notify_all();
                co_await pollux::yield_now();
                flag = true;
                by.notify_all();
            };
            sim.block_on(sets(changed, is_set));
            sim.advance(std::chrono::nanoseconds(0));
            CHECK(seen == 5);
        }
    }
}
