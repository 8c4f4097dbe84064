// SPDX-License-Identifier: MIT
#include "pollux/core/waker.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/wake_counter.hpp"

namespace {

using pollux::waker;
using pollux::test::wake_counter;

}  // namespace

TEST_SUITE("core/waker") {
    TEST_CASE("waker: a default one wakes nobody and is false") {
        const waker nobody;
        nobody.wake();
        const waker copy = nobody;
        copy.wake();
        CHECK_FALSE(static_cast<bool>(nobody));
        CHECK(copy.will_wake(nobody));
        static_assert(sizeof(waker) == 2 * sizeof(void*));
        static_assert(std::is_nothrow_copy_constructible_v<waker> && std::is_nothrow_move_constructible_v<waker>);
    }

    TEST_CASE("waker: each wake reaches the target, through every copy") {
        wake_counter target;
        const waker first = target.waker();
        CHECK(static_cast<bool>(first));
        first.wake();
        first.wake();
        CHECK(target.count() == 2);
        waker copy = first;
        copy.wake();
        CHECK(target.count() == 3);
        waker moved = std::move(copy);
        moved.wake();
        CHECK(target.count() == 4);
        CHECK_FALSE(static_cast<bool>(copy));
        copy.wake();
        CHECK(target.count() == 4);
        copy = moved;
        copy.wake();
        CHECK(target.count() == 5);
    }

    TEST_CASE("waker: the target lives until the last copy is gone, and only so long") {
        wake_counter target;
        {
            const waker first = target.waker();
            CHECK(target.is_kept());
            waker second;
            {
                waker third = first;
                second = third;
                second = std::move(third);
            }
            CHECK(target.is_kept());
            waker& same = second;
            second = same;
            CHECK(static_cast<bool>(second));
        }
        CHECK_FALSE(target.is_kept());
    }

    TEST_CASE("will_wake: is true for wakers of one target, also made separately, and for no others") {
        wake_counter target;
        wake_counter other;
        const waker first = target.waker();
        const waker second = target.waker();
        const waker copy = first;
        CHECK(first.will_wake(copy));
        CHECK(first.will_wake(second));
        CHECK_FALSE(first.will_wake(other.waker()));
        CHECK_FALSE(first.will_wake(waker()));
        CHECK_FALSE(waker().will_wake(first));
        CHECK_FALSE(first.will_wake(pollux::noop_waker()));
        CHECK(pollux::noop_waker().will_wake(waker(pollux::noop_waker())));
        CHECK(first.will_wake(first));
    }

    TEST_CASE("wake: of an rvalue gives up the waker") {
        wake_counter target;
        waker last = target.waker();
        waker copy = last;
        std::move(copy).wake();
        CHECK(target.count() == 1);
        CHECK_FALSE(static_cast<bool>(copy));
        CHECK(target.is_kept());
        std::move(last).wake();
        CHECK(target.count() == 2);
        CHECK_FALSE(target.is_kept());
        std::move(last).wake();
        CHECK(target.count() == 2);
        waker noop = pollux::noop_waker();
        std::move(noop).wake();
        CHECK_FALSE(static_cast<bool>(noop));
    }

    TEST_CASE("make_waker: without a target it wakes nobody and is false") {
        const waker nobody = pollux::make_waker(nullptr);
        nobody.wake();
        CHECK_FALSE(static_cast<bool>(nobody));
        CHECK(nobody.will_wake(waker()));
    }

    TEST_CASE("noop_waker: wakes nobody and is always the same") {
        pollux::noop_waker().wake();
        const waker copy = pollux::noop_waker();
        copy.wake();
        CHECK(static_cast<bool>(copy));
        CHECK(&pollux::noop_waker() == &pollux::noop_waker());
    }

    TEST_CASE("waker: the target may drop the last waker, and wake itself, inside wake") {
        wake_counter target;
        auto held = std::make_unique<waker>(target.waker());
        target.on_wake([&] {
            if (target.count() < 3) held->wake();
        });
        held->wake();
        CHECK(target.count() == 3);
        target.on_wake([&] { held.reset(); });
        const waker copy = *held;
        copy.wake();
        CHECK(held == nullptr);
        CHECK(target.count() == 4);
    }

    TEST_CASE("waker: may be copied and woken from several threads at once") {
        wake_counter target;
        {
            const waker shared = target.waker();
            std::vector<std::thread> threads;
            for (int i = 0; i != 4; ++i)
                threads.emplace_back([&] {
                    for (int k = 0; k != 1000; ++k) {
                        const waker copy = shared;
                        copy.wake();
                    }
                });
            for (auto& each : threads) each.join();
        }
        CHECK(target.count() == 4000);
        CHECK_FALSE(target.is_kept());
    }
}
