// SPDX-License-Identifier: MIT
#include "pollux/sync/semaphore.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
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

using pollux::context;
using pollux::sync::semaphore;
using pollux::test::poll_with;
using pollux::test::poll_without_budget;
using pollux::test::wake_counter;
using pollux::testing::poll_once;

// A waiter of a semaphore with a task of its own.
struct waiting_task {
    explicit waiting_task(semaphore& from, std::size_t n = 1) : fut(std::in_place, from.acquire(n)) {}

    bool is_pending() { return poll_with(*fut, task).is_pending(); }
    std::optional<semaphore::permit> take() {
        auto answer = poll_with(*fut, task);
        if (!answer.has_value()) return std::nullopt;
        return std::move(answer.value());
    }

    wake_counter task;
    std::optional<decltype(std::declval<semaphore&>().acquire())> fut;
};

pollux::task<> takes_and_notes(semaphore& permits, int which, std::vector<int>& order) {
    auto permit = co_await permits.acquire();
    if (permit.has_value()) order.push_back(which);
    co_await pollux::yield_now();
}

}  // namespace

TEST_SUITE("sync/semaphore") {
    TEST_CASE("a semaphore is small, and its futures are futures that can fail") {
        using future_type = decltype(std::declval<semaphore&>().acquire());
        static_assert(pollux::future<future_type>);
        static_assert(std::is_same_v<future_type::value_type, semaphore::permit>);
        static_assert(std::is_same_v<future_type::error_type, pollux::sync::disconnected>);
        static_assert(!std::is_copy_constructible_v<semaphore::permit>);
        CHECK(sizeof(semaphore) <= 64);
    }

    TEST_CASE("acquire: is lazy, takes in its first poll, and the permit gives back") {
        semaphore permits(3);
        auto fut = permits.acquire(2);
        CHECK(permits.available() == 3);
        {
            auto answer = poll_once(fut);
            REQUIRE(answer.has_value());
            CHECK(permits.available() == 1);
            const auto moved = std::move(answer.value());
            CHECK(permits.available() == 1);
        }
        CHECK(permits.available() == 3);
    }

    TEST_CASE("acquire: waits while there are too few, and the permit that is given back wakes it") {
        semaphore permits(1);
        auto first = permits.try_acquire();
        waiting_task second(permits);
        CHECK(second.is_pending());
        CHECK(second.task.count() == 0);
        first.reset();
        CHECK(second.task.count() == 1);
        CHECK(permits.available() == 0);
        CHECK(second.take().has_value());
        CHECK(permits.available() == 1);
        CHECK_FALSE(second.task.is_kept());
    }

    TEST_CASE("acquire: the latest waker is woken, and a spurious poll changes nothing") {
        semaphore permits(0);
        wake_counter other;
        waiting_task one(permits);
        CHECK(one.is_pending());
        CHECK(one.is_pending());
        CHECK(poll_with(*one.fut, other).is_pending());
        CHECK_FALSE(one.task.is_kept());
        permits.add_permits(1);
        CHECK(one.task.count() == 0);
        CHECK(other.count() == 1);
        CHECK(poll_with(*one.fut, other).has_value());
    }

    TEST_CASE("acquire: serves in the order of the first polls, also one that wants many before one that wants few") {
        semaphore permits(0);
        waiting_task many(permits, 3);
        waiting_task few(permits, 1);
        CHECK(many.is_pending());
        CHECK(few.is_pending());
        permits.add_permits(2);
        CHECK(few.task.count() == 0);
        CHECK(many.task.count() == 0);
        CHECK(permits.available() == 0);
        permits.add_permits(2);
        CHECK(many.task.count() == 1);
        CHECK(few.task.count() == 1);
        auto three = many.take();
        auto one = few.take();
        CHECK(three.has_value());
        CHECK(one.has_value());
        CHECK(permits.available() == 0);
        three.reset();
        CHECK(permits.available() == 3);
    }

    TEST_CASE("acquire: a future that is made first and polled last is last") {
        semaphore permits(0);
        waiting_task made_first(permits);
        waiting_task made_last(permits);
        CHECK(made_last.is_pending());
        CHECK(made_first.is_pending());
        permits.add_permits(1);
        CHECK(made_last.task.count() == 1);
        CHECK(made_first.task.count() == 0);
    }

    TEST_CASE("try_acquire and a fresh acquire do not overtake who waits, though there is enough for them") {
        semaphore permits(1);
        waiting_task two(permits, 2);
        waiting_task late(permits);
        CHECK(two.is_pending());
        CHECK_FALSE(permits.try_acquire().has_value());
        CHECK_FALSE(permits.try_acquire(0).has_value());
        CHECK(late.is_pending());
        CHECK(permits.available() == 0);
        permits.add_permits(1);
        CHECK(two.task.count() == 1);
        CHECK(late.task.count() == 0);
    }

    TEST_CASE("acquire: a waiter that is dropped makes room for those behind it") {
        semaphore permits(1);
        waiting_task two(permits, 2);
        waiting_task first(permits);
        waiting_task second(permits);
        CHECK(two.is_pending());
        CHECK(first.is_pending());
        CHECK(second.is_pending());
        two.fut.reset();
        CHECK_FALSE(two.task.is_kept());
        CHECK(first.task.count() == 1);
        CHECK(second.task.count() == 0);
        second.fut.reset();
        CHECK(first.take().has_value());
        CHECK(permits.available() == 1);
    }

    TEST_CASE("acquire: the last waiter that is dropped leaves what is there to all") {
        semaphore permits(1);
        waiting_task two(permits, 2);
        CHECK(two.is_pending());
        two.fut.reset();
        CHECK(permits.available() == 1);
        CHECK(permits.try_acquire().has_value());
    }

    TEST_CASE("acquire: a granted waiter that is dropped passes its permits on") {
        semaphore permits(0);
        waiting_task first(permits, 2);
        waiting_task second(permits, 2);
        CHECK(first.is_pending());
        CHECK(second.is_pending());
        permits.add_permits(2);
        CHECK(first.task.count() == 1);
        CHECK(second.task.count() == 0);
        first.fut.reset();
        CHECK(second.task.count() == 1);
        second.fut.reset();
        CHECK(permits.available() == 2);
    }

    TEST_CASE("acquire: dropped before its first poll, and after its end, it changes nothing") {
        semaphore permits(1);
        { const auto fut = permits.acquire(); }
        CHECK(permits.available() == 1);
        std::optional<semaphore::permit> kept;
        {
            auto fut = permits.acquire();
            auto answer = poll_once(fut);
            REQUIRE(answer.has_value());
            kept = std::move(answer.value());
        }
        CHECK(permits.available() == 0);
        kept.reset();
        CHECK(permits.available() == 1);
    }

    TEST_CASE("acquire: may be moved before its first poll") {
        semaphore permits(1);
        auto fut = permits.acquire();
        auto moved = std::move(fut);
        CHECK(poll_once(moved).has_value());
    }

    TEST_CASE("acquire: a move after the first poll stops the program with a message") {
        const auto message = pollux::test::message_of_abort([] {
            semaphore permits(0);
            auto fut = permits.acquire();
            static_cast<void>(poll_once(fut));
            const auto moved = std::move(fut);
        });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll"));
    }

    TEST_CASE("acquire: with the budget spent it keeps what it took, and its place") {
        semaphore permits(1);
        wake_counter task;
        SUBCASE("then gives it") {
            auto fut = permits.acquire();
            CHECK(poll_without_budget(fut, task).is_pending());
            CHECK(task.count() == 1);
            CHECK(permits.available() == 0);
            CHECK(poll_with(fut, task).has_value());
        }
        SUBCASE("or is dropped") {
            {
                auto fut = permits.acquire();
                CHECK(poll_without_budget(fut, task).is_pending());
            }
            CHECK(permits.available() == 1);
        }
        SUBCASE("or finds it closed") {
            permits.close();
            auto fut = permits.acquire();
            CHECK(poll_without_budget(fut, task).is_pending());
            CHECK(task.count() == 1);
            CHECK(poll_with(fut, task).has_error());
        }
    }

    TEST_CASE("close: fails who waits and who comes, leaves what was granted, and keeps what is given back") {
        semaphore permits(1);
        auto held = permits.try_acquire();
        waiting_task granted(permits);
        waiting_task waits(permits);
        CHECK(granted.is_pending());
        CHECK(waits.is_pending());
        held.reset();
        CHECK_FALSE(permits.is_closed());
        permits.close();
        CHECK(permits.is_closed());
        CHECK(waits.task.count() == 1);
        CHECK(poll_with(*waits.fut, waits.task).has_error());
        auto permit = granted.take();
        CHECK(permit.has_value());
        permit.reset();
        CHECK(permits.available() == 1);
        CHECK_FALSE(permits.try_acquire().has_value());
        auto late = permits.acquire();
        CHECK(poll_once(late).has_error());
        permits.close();
        permits.add_permits(1);
        CHECK(permits.available() == 2);
    }

    TEST_CASE("close and add_permits: wake any number of waiters, each once, and grant in order") {
        constexpr std::size_t count = 50;
        semaphore permits(0);
        std::vector<std::unique_ptr<waiting_task>> waiters;
        for (std::size_t i = 0; i != count; ++i) {
            waiters.push_back(std::make_unique<waiting_task>(permits));
            CHECK(waiters.back()->is_pending());
        }
        permits.add_permits(20);
        for (std::size_t i = 0; i != count; ++i) CHECK(waiters[i]->task.count() == (i < 20 ? 1 : 0));
        permits.close();
        for (std::size_t i = 0; i != count; ++i) {
            CAPTURE(i);
            CHECK(waiters[i]->task.count() == 1);
            CHECK(waiters[i]->take().has_value() == (i < 20));
        }
        CHECK(permits.available() == 20);
    }

    TEST_CASE("a waker may take, give back and drop from inside the wake-up") {
        semaphore permits(0);
        waiting_task first(permits);
        waiting_task second(permits);
        waiting_task third(permits);
        CHECK(first.is_pending());
        CHECK(second.is_pending());
        CHECK(third.is_pending());
        bool overtook = true;
        first.task.on_wake([&] {
            overtook = permits.try_acquire().has_value();
            second.fut.reset();
            first.fut.reset();
        });
        permits.add_permits(1);
        CHECK_FALSE(overtook);
        CHECK(second.task.count() == 0);
        CHECK(third.task.count() == 1);
        CHECK(third.take().has_value());
    }

    TEST_CASE("forget: the permits are gone, also of an owned one, which lets go of the semaphore") {
        semaphore permits(3);
        auto two = permits.try_acquire(2);
        REQUIRE(two.has_value());
        two->forget();
        two.reset();
        CHECK(permits.available() == 1);

        const auto shared = std::make_shared<semaphore>(1);
        auto outcome = pollux::block_on(semaphore::acquire_owned(shared));
        REQUIRE(outcome.has_value());
        CHECK(shared.use_count() == 2);
        outcome->forget();
        CHECK(shared.use_count() == 1);
        CHECK(shared->available() == 0);
    }

    TEST_CASE("a permit that is assigned to gives back what it held") {
        semaphore one(1);
        semaphore other(1);
        auto held = one.try_acquire();
        auto second = other.try_acquire();
        REQUIRE(held.has_value());
        REQUIRE(second.has_value());
        *held = *std::move(second);
        CHECK(one.available() == 1);
        CHECK(other.available() == 0);
        held.reset();
        CHECK(other.available() == 1);
    }

    TEST_CASE("acquire_owned: future and permit keep the semaphore") {
        auto shared = std::make_shared<semaphore>(1);
        const std::weak_ptr<semaphore> seen = shared;
        auto fut = acquire_owned(std::move(shared));
        CHECK_FALSE(seen.expired());
        std::optional<semaphore::owned_permit> permit;
        {
            auto answer = poll_once(fut);
            REQUIRE(answer.has_value());
            permit = std::move(answer.value());
        }
        CHECK(seen.lock()->available() == 0);
        permit.reset();
        CHECK(seen.expired());
    }

    TEST_CASE("acquire_owned: a waiter that is dropped is the last to know the semaphore") {
        auto shared = std::make_shared<semaphore>(0);
        const std::weak_ptr<semaphore> seen = shared;
        {
            auto fut = acquire_owned(std::move(shared), 2);
            CHECK(poll_once(fut).is_pending());
            CHECK_FALSE(seen.expired());
        }
        CHECK(seen.expired());
    }

    TEST_CASE("a semaphore of 0 is legal, acquire(0) is ready at once, and more permits than fit are refused") {
        semaphore permits(0);
        CHECK_FALSE(permits.try_acquire().has_value());
        CHECK(permits.try_acquire(0).has_value());
        auto none = permits.acquire(0);
        CHECK(poll_once(none).has_value());
        auto too_many = permits.acquire(~std::size_t{0});
        CHECK(poll_once(too_many).is_pending());
        CHECK_THROWS_AS(permits.add_permits(semaphore::max_permits() + 1), std::invalid_argument);
        CHECK_THROWS_AS(semaphore(semaphore::max_permits() + 1), std::invalid_argument);
        permits.add_permits(semaphore::max_permits());
        CHECK_THROWS_AS(permits.add_permits(1), std::invalid_argument);
        CHECK(poll_once(too_many).is_pending());
    }

    TEST_CASE("nothing is allocated") {
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        const pollux::test::heap_counter heap;
        {
            semaphore permits(1);
            auto first = permits.acquire();
            auto second = permits.acquire();
            auto third = permits.acquire();
            auto permit = first.poll(cx);
            CHECK(second.poll(cx).is_pending());
            CHECK(third.poll(cx).is_pending());
            permit = pollux::pending;
            CHECK(second.poll(cx).has_value());
            permits.close();
        }
        CHECK(heap.by_this_thread() == 0);
    }

    TEST_CASE("under every seed tasks are served in the order in which they came") {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            CAPTURE(seed);
            pollux::testing::sim_runtime sim(seed);
            semaphore permits(1);
            std::vector<int> served;
            auto held = permits.try_acquire();
            for (int i = 0; i != 5; ++i) {
                sim.spawn(takes_and_notes(permits, i, served)).detach();
                sim.advance(std::chrono::nanoseconds(0));
            }
            CHECK(served.empty());
            held.reset();
            sim.advance(std::chrono::nanoseconds(0));
            CHECK(served == std::vector{0, 1, 2, 3, 4});
            CHECK(permits.available() == 1);
        }
    }
}
