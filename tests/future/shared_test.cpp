// SPDX-License-Identifier: MIT
#include "pollux/future/shared.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/future/lazy.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"
#include "support/scripted_stream.hpp"
#include "support/tracked.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::test::poll_with;
using pollux::test::wake_counter;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

// A value that counts how often it is copied, and how many of it live.
struct counted {
    explicit counted(std::atomic<int>& alive, int* made) : life(std::in_place, alive), copies(made), of(&alive) {}
    counted(const counted& other) : life(std::in_place, *other.of), copies(other.copies), of(other.of) { ++*copies; }
    counted(counted&&) noexcept = default;
    counted& operator=(counted&&) noexcept = default;

    std::optional<pollux::test::tracked> life;
    int* copies;
    std::atomic<int>* of;
};

// A value that runs something while it is copied.
struct hooked {
    explicit hooked(std::function<void()>* hook) : text("whole"), on_copy(hook) {}
    hooked(const hooked& other) : on_copy(other.on_copy) {
        if (*on_copy) std::exchange(*on_copy, nullptr)();
        text = other.text;
    }
    hooked(hooked&&) noexcept = default;
    hooked& operator=(hooked&&) noexcept = default;

    std::string text;
    std::function<void()>* on_copy;
};

struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("copied"); }
    throws_when_copied(throws_when_copied&&) noexcept {}
    throws_when_copied& operator=(throws_when_copied&&) noexcept { return *this; }
};

}  // namespace

TEST_SUITE("future/shared") {
    TEST_CASE("shared: every owner gets the outcome, and the future is polled once a step") {
        pollux::test::manual<std::string, int> source;
        auto first = source.future() | pollux::shared();
        static_assert(std::is_same_v<decltype(first), pollux::shared_future<std::string, int>>);
        auto second = first;
        CHECK(source.polls() == 0);
        const wake_counter one;
        const wake_counter other;
        assert_pending(poll_with(first, one));
        assert_pending(poll_with(second, other));
        CHECK(source.polls() == 2);
        source.complete("done");
        CHECK(one.count() == 1);
        CHECK(other.count() == 1);
        CHECK(assert_ready(poll_with(second, other)).value() == "done");
        CHECK_FALSE(source.is_alive());
        CHECK(assert_ready(poll_with(first, one)).value() == "done");
        CHECK(source.polls() == 3);
    }

    TEST_CASE("shared: the owner that finishes it wakes those that wait, and not itself") {
        pollux::test::manual<> source;
        auto first = pollux::shared(source.future());
        auto second = first;
        const wake_counter one;
        const wake_counter other;
        assert_pending(poll_with(first, one));
        source.complete(pollux::polled<>::ready());
        CHECK(one.count() == 1);
        CHECK(poll_with(second, other).has_value());
        CHECK(other.count() == 0);
        CHECK(poll_with(first, one).has_value());
        CHECK_FALSE(one.is_kept());
    }

    TEST_CASE("shared: an error and void are outcomes like others, and a copy works as a part of other futures") {
        auto failing = pollux::shared(pollux::fail<void>(std::string("e")));
        auto mapped = failing | pollux::map_err([](const std::string& error) { return error + "!"; });
        CHECK(pollux::block_on(mapped).error() == "e!");
        CHECK(pollux::block_on(failing).error() == "e");
    }

    TEST_CASE("shared: the waker of the latest poll of an owner is woken") {
        pollux::test::manual<int> source;
        auto owner = pollux::shared(source.future());
        const wake_counter early;
        const wake_counter late;
        assert_pending(poll_with(owner, early));
        assert_pending(poll_with(owner, late));
        CHECK_FALSE(early.is_kept());
        source.complete(1);
        CHECK(early.count() == 0);
        CHECK(late.count() == 1);
    }

    TEST_CASE("shared: dropping the owner that polled last loses no wake-up of the others") {
        pollux::test::manual<int> source;
        std::optional first(pollux::shared(source.future()));
        auto second = *first;
        const wake_counter one;
        const wake_counter other;
        assert_pending(poll_with(second, other));
        assert_pending(poll_with(*first, one));
        first.reset();
        CHECK_FALSE(one.is_kept());
        CHECK(source.is_alive());
        source.complete(4);
        CHECK(one.count() == 0);
        CHECK(other.count() == 1);
        CHECK(assert_ready(poll_with(second, other)) == 4);
    }

    TEST_CASE("shared: an owner that is kept without being polled does not hold up the others") {
        pollux::test::manual<int> source;
        auto kept = pollux::shared(source.future());
        auto polled = kept;
        const wake_counter idle;
        const wake_counter waiting;
        assert_pending(poll_with(polled, waiting));
        assert_pending(poll_with(kept, idle));
        for (int step = 1; step != 4; ++step) {
            source.wake();
            CHECK(waiting.count() == step);
            assert_pending(poll_with(polled, waiting));
        }
        CHECK(idle.count() == 1);  // woken once, as it was not polled after that
        source.complete(2);
        CHECK(assert_ready(poll_with(polled, waiting)) == 2);
        CHECK(assert_ready(poll_with(kept, idle)) == 2);
    }

    TEST_CASE("shared: the last owner that is dropped destroys the future") {
        pollux::test::manual<int> source;
        {
            auto first = pollux::shared(source.future());
            {
                auto second = first;
                assert_pending(poll_once(second));
            }
            CHECK(source.is_alive());
        }
        CHECK_FALSE(source.is_alive());
    }

    TEST_CASE("shared: a waker that the future has kept outlives the owners and wakes nobody") {
        pollux::test::manual<int> source;
        pollux::waker kept;
        const wake_counter counter;
        {
            auto owner = pollux::shared(source.future());
            assert_pending(poll_with(owner, counter));
            kept = source.kept_waker();
        }
        const auto again = kept;
        kept.wake();
        CHECK(counter.count() == 0);
        CHECK_FALSE(counter.is_kept());
        CHECK(again.will_wake(kept));
    }

    TEST_CASE("shared: an exception reaches every owner") {
        pollux::test::manual<int> source;
        auto first = pollux::shared(source.future());
        auto second = first;
        const wake_counter counter;
        assert_pending(poll_with(second, counter));
        source.complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_WITH_AS(poll_once(first), "no", std::runtime_error);
        CHECK_FALSE(source.is_alive());
        CHECK(counter.count() >= 1);
        CHECK_THROWS_WITH_AS(poll_once(second), "no", std::runtime_error);
    }

    TEST_CASE("shared: copies the value once for each owner but the last, and destroys it with that") {
        std::atomic<int> alive{0};
        int copies = 0;
        auto first = pollux::lazy([&] { return counted(alive, &copies); }) | pollux::shared();
        auto second = first;
        auto third = first;
        {
            auto value = assert_ready(poll_once(first));
            CHECK(copies == 1);
            CHECK(alive == 2);
        }
        { auto value = assert_ready(poll_once(second)); }
        CHECK(copies == 2);
        CHECK(alive == 1);
        {
            auto value = assert_ready(poll_once(third));
            CHECK(copies == 2);
            CHECK(alive == 1);
        }
        CHECK(alive == 0);
    }

    TEST_CASE("shared: the value is destroyed when the last that has not been awaited is dropped") {
        std::atomic<int> alive{0};
        int copies = 0;
        auto first = pollux::lazy([&] { return counted(alive, &copies); }) | pollux::shared();
        {
            auto second = first;
            static_cast<void>(poll_once(first));
            CHECK(alive == 1);
        }
        CHECK(alive == 0);
    }

    TEST_CASE("shared: while an owner copies the value, the others neither move nor destroy it") {
        std::function<void()> hook;
        auto first = pollux::shared(pollux::ready(hooked(&hook)));
        std::optional second(first);
        std::string other;
        hook = [&] {
            other = assert_ready(poll_once(*second)).text;
            second.reset();
        };
        CHECK(assert_ready(poll_once(first)).text == "whole");
        CHECK(other == "whole");
    }

    TEST_CASE("shared: what copying the value throws comes out of that owner's poll alone") {
        auto first = pollux::shared(pollux::ready(throws_when_copied()));
        auto second = first;
        CHECK_THROWS_WITH_AS(poll_once(first), "copied", std::runtime_error);
        CHECK(poll_once(second).has_value());
    }

    TEST_CASE("shared: a copy may be made of an owner that has been awaited, while another has not") {
        auto first = pollux::shared(pollux::ready(5));
        auto second = first;
        CHECK(assert_ready(poll_once(first)) == 5);
        auto third = first;
        CHECK(assert_ready(poll_once(third)) == 5);
        CHECK(assert_ready(poll_once(second)) == 5);
    }

    TEST_CASE("shared: an owner may be moved and assigned at any time") {
        pollux::test::manual<int> source;
        pollux::test::manual<int> unused;
        auto first = pollux::shared(source.future());
        auto other = pollux::shared(unused.future());
        const wake_counter counter;
        assert_pending(poll_with(first, counter));
        auto moved = std::move(first);
        other = std::move(moved);
        CHECK_FALSE(unused.is_alive());
        CHECK(counter.count() == 0);
        source.complete(6);
        CHECK(counter.count() == 1);
        first = other;
        CHECK(assert_ready(poll_once(other)) == 6);
        CHECK(assert_ready(poll_once(first)) == 6);
    }

    TEST_CASE("shared: a future that wakes itself in its poll wakes its owners when the poll is over") {
        int polls = 0;
        auto first = pollux::shared(pollux::poll_fn([&polls](pollux::context& cx) -> pollux::polled<int> {
            if (++polls == 3) return polls;
            cx.waker().wake();
            return pollux::pending;
        }));
        auto second = first;
        const wake_counter one;
        const wake_counter other;
        assert_pending(poll_with(first, one));
        CHECK(one.count() == 1);
        assert_pending(poll_with(second, other));
        CHECK(other.count() == 1);
        CHECK(one.count() == 1);
        CHECK(assert_ready(poll_with(first, one)) == 3);
        CHECK(assert_ready(poll_with(second, other)) == 3);
    }

    TEST_CASE("shared: polled inside its own poll, another owner waits and is woken") {
        std::optional<pollux::shared_future<int>> second;
        const wake_counter inside;
        int polls = 0;
        auto first = pollux::shared(pollux::poll_fn([&](pollux::context&) -> pollux::polled<int> {
            ++polls;
            assert_pending(poll_with(*second, inside));
            return 1;
        }));
        second.emplace(first);
        CHECK(assert_ready(poll_once(first)) == 1);
        CHECK(inside.count() == 1);
        CHECK(assert_ready(poll_with(*second, inside)) == 1);
        CHECK(polls == 1);
    }

    TEST_CASE("shared: more owners than are woken at once are all woken") {
        pollux::test::manual<int> source;
        std::vector<pollux::shared_future<int>> owners(40, pollux::shared(source.future()));
        const wake_counter counter;
        for (auto& owner : owners) assert_pending(poll_with(owner, counter));
        source.complete(1);
        CHECK(counter.count() == 40);
        for (auto& owner : owners) CHECK(assert_ready(poll_with(owner, counter)) == 1);
    }

    TEST_CASE("shared: an outcome that is there takes a unit of the budget, and is not lost without one") {
        auto first = pollux::shared(pollux::ready(1));
        auto second = first;
        CHECK(assert_ready(poll_once(first)) == 1);
        auto budget = pollux::test::budget_of(0);
        const wake_counter counter;
        const auto waker = counter.waker();
        pollux::context cx(waker, &budget);
        assert_pending(second.poll(cx));
        CHECK(counter.count() == 1);
        CHECK(assert_ready(poll_once(second)) == 1);
    }

    TEST_CASE("shared: allocates once, when it is made") {
        const pollux::test::allocation_counter allocations;
        auto first = pollux::shared(pollux::ready(1));
        CHECK(allocations.count() == 1);
        auto second = first;
        CHECK(assert_ready(poll_once(first)) == 1);
        CHECK(assert_ready(poll_once(second)) == 1);
        CHECK(allocations.count() == 1);
    }

#ifndef NDEBUG
    TEST_CASE("shared: a debug build stops with a message when a copy was made too late") {
        const auto message = pollux::test::message_of_abort([] {
            auto first = pollux::shared(pollux::ready(1));
            static_cast<void>(poll_once(first));
            auto late = first;
            static_cast<void>(poll_once(late));
        });
        CHECK(message.starts_with("pollux: shared: polled after it was ready, "));
    }
#endif
}
