// SPDX-License-Identifier: MIT
#include "pollux/core/context.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "pollux/testing/poll.hpp"

namespace {

using pollux::context;
using pollux::detail::poll_budget;
using pollux::testing::counting_waker;

}  // namespace

TEST_SUITE("core/context") {
    TEST_CASE("context: refers to the waker that it was made from, and cannot be copied or moved") {
        counting_waker target;
        context cx(target.waker());
        CHECK(&cx.waker() == &target.waker());
        CHECK(cx.runtime() == nullptr);
        static_assert(!std::is_copy_constructible_v<context> && !std::is_move_constructible_v<context>);
        static_assert(!std::is_constructible_v<context, pollux::waker>);
        static_assert(!std::is_constructible_v<context, const pollux::waker>);
    }

    TEST_CASE("with_waker: another waker, the same budget") {
        counting_waker outer;
        counting_waker inner;
        std::atomic<std::uint64_t> forced = 0;
        poll_budget budget;
        budget.is_limited = true;
        budget.forced_yields = &forced;
        context cx(outer.waker(), &budget);
        auto child = cx.with_waker(inner.waker());
        CHECK(&child.waker() == &inner.waker());
        CHECK(child.budget() == cx.budget());
        CHECK_FALSE(child.consume_budget());
        CHECK(inner.count() == 1);
        CHECK(outer.count() == 0);
        CHECK_FALSE(cx.consume_budget());
        CHECK(outer.count() == 1);
        CHECK(forced == 2);
    }

    TEST_CASE("consume_budget: a bare context never runs out") {
        counting_waker target;
        context cx(target.waker());
        bool all = true;
        for (int i = 0; i != 100'000; ++i) all = cx.consume_budget() && all;
        CHECK(all);
        poll_budget unlimited;
        context of_block_on(target.waker(), &unlimited);
        for (int i = 0; i != 100'000; ++i) all = of_block_on.consume_budget() && all;
        CHECK(all);
        CHECK(target.count() == 0);
    }

    TEST_CASE("consume_budget: a limited poll gives its units, then wakes the task") {
        counting_waker target;
        std::atomic<std::uint64_t> forced = 0;
        poll_budget budget;
        budget.is_limited = true;
        budget.refill();
        budget.deadline = std::numeric_limits<std::uint64_t>::max();
        budget.forced_yields = &forced;
        context cx(target.waker(), &budget);
        int given = 0;
        while (cx.consume_budget()) ++given;
        CHECK(given == poll_budget::units_per_poll);
        CHECK(target.count() == 1);
        CHECK(forced == 1);
    }

    TEST_CASE("consume_budget: a refusal leaves two units to whoever asks next, and that ends, too") {
        for (const std::uint64_t deadline : {std::numeric_limits<std::uint64_t>::max(), std::uint64_t{0}}) {
            counting_waker target;
            poll_budget budget;
            budget.is_limited = true;
            budget.refill();
            budget.deadline = deadline;
            context cx(target.waker(), &budget);
            while (cx.consume_budget()) {}
            for (int left = poll_budget::most_for_others; left != 0; left -= 2) {
                CHECK(cx.consume_budget());
                CHECK(cx.consume_budget());
                CHECK_FALSE(cx.consume_budget());
            }
            const auto before = target.count();
            for (int i = 0; i != 10; ++i) CHECK_FALSE(cx.consume_budget());
            CHECK(target.count() == before + 10);
        }
    }

    TEST_CASE("consume_budget: after the poll's time it gives the rest of a chunk, then wakes the task") {
        counting_waker target;
        poll_budget budget;
        budget.is_limited = true;
        budget.refill();
        budget.deadline = 0;
        context cx(target.waker(), &budget);
        int given = 0;
        while (cx.consume_budget()) ++given;
        CHECK(given == poll_budget::chunk);
        CHECK(target.count() == 1);
    }
}
