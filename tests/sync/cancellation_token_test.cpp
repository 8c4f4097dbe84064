// SPDX-License-Identifier: MIT
#include "pollux/sync/cancellation_token.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/heap_counter.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"
#include "support/small_stack.hpp"
#include "support/wake_counter.hpp"
#include "support/workers.hpp"

namespace {

using pollux::cancellation_guard;
using pollux::cancellation_token;
using pollux::context;
using pollux::task;
using pollux::unit;
using pollux::test::heap_counter;
using pollux::test::manual;
using pollux::test::poll_with;
using pollux::test::wake_counter;
using pollux::test::workers;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using waiting = decltype(cancellation_token().cancelled());
static_assert(pollux::future<waiting> && !std::is_copy_constructible_v<waiting>);
static_assert(std::is_same_v<waiting::value_type, void> && std::is_same_v<waiting::error_type, pollux::never>);
static_assert(std::is_nothrow_copy_constructible_v<cancellation_token> &&
              std::is_nothrow_move_assignable_v<cancellation_token>);
static_assert(!std::is_copy_constructible_v<cancellation_guard> &&
              std::is_nothrow_move_constructible_v<cancellation_guard>);

// Each token the child of the one before.
std::vector<cancellation_token> chain(std::size_t n) {
    std::vector<cancellation_token> tokens(1);
    tokens.reserve(n);
    while (tokens.size() != n) tokens.push_back(tokens.back().child_token());
    return tokens;
}

task<int> counts_until_cancelled(cancellation_token token) {
    auto cancelled = token.cancelled();
    co_await cancelled;
    co_return 1;
}

}  // namespace

TEST_SUITE("sync/cancellation_token") {
    TEST_CASE("copies are one token, and dropping them cancels nothing") {
        const cancellation_token token;
        CHECK_FALSE(token.is_cancelled());
        auto copy = token;
        {
            const auto dropped = std::move(copy);
            copy = dropped;
        }
        CHECK_FALSE(token.is_cancelled());
        copy.cancel();
        CHECK(token.is_cancelled());
        copy.cancel();
        copy = cancellation_token();
        CHECK_FALSE(copy.is_cancelled());
        CHECK(token.is_cancelled());
    }

    TEST_CASE("cancelled: is ready at once if the token is cancelled, and waits for nothing before its first poll") {
        const cancellation_token token;
        auto before = token.cancelled();
        token.cancel();
        auto after = token.cancelled();
        wake_counter counter;
        CHECK(poll_with(before, counter).is_ready());
        CHECK(poll_with(after, counter).is_ready());
        CHECK(counter.count() == 0);
        CHECK_FALSE(counter.is_kept());
    }

    TEST_CASE("cancelled: is woken once by the cancel, and spurious polls are harmless") {
        const cancellation_token token;
        auto fut = token.cancelled();
        wake_counter counter;
        for (int i = 0; i != 3; ++i) assert_pending(poll_with(fut, counter));
        CHECK(counter.count() == 0);
        token.cancel();
        CHECK(counter.count() == 1);
        CHECK_FALSE(counter.is_kept());
        assert_ready(poll_with(fut, counter));
        token.cancel();
        CHECK(counter.count() == 1);
    }

    TEST_CASE("cancelled: only the latest waker is woken, and the others are let go") {
        const cancellation_token token;
        auto fut = token.cancelled();
        wake_counter first;
        wake_counter second;
        assert_pending(poll_with(fut, first));
        assert_pending(poll_with(fut, second));
        CHECK_FALSE(first.is_kept());
        CHECK(second.is_kept());
        token.cancel();
        CHECK(first.count() == 0);
        CHECK(second.count() == 1);
    }

    TEST_CASE("cancelled: a dropped one is not woken, the others are, in the order of their first polls") {
        const cancellation_token token;
        std::vector<int> order;
        wake_counter counters[40];
        std::vector<std::unique_ptr<waiting>> futures;
        for (int i = 0; i != 40; ++i) {
            counters[i].on_wake([&order, i] { order.push_back(i); });
            futures.push_back(std::make_unique<waiting>(token.cancelled()));
            assert_pending(poll_with(*futures.back(), counters[i]));
        }
        std::vector<int> expected;
        for (int i = 0; i != 40; ++i) {
            if (i % 3 == 0)
                futures[static_cast<std::size_t>(i)].reset();
            else
                expected.push_back(i);
            CHECK(counters[i].is_kept() == (i % 3 != 0));
        }
        token.cancel();
        CHECK(order == expected);
        for (const auto& each : counters) CHECK_FALSE(each.is_kept());
    }

    TEST_CASE("cancelled: needs no token that lives") {
        std::optional<cancellation_token> token(std::in_place);
        const auto child = token->child_token();
        auto of_parent = token->cancelled();
        auto of_child = child.cancelled();
        auto guard = token->drop_guard();
        token.reset();
        wake_counter counter;
        assert_pending(poll_with(of_parent, counter));
        assert_pending(poll_with(of_child, counter));
        { const auto dropped = std::move(guard); }
        CHECK(counter.count() == 2);
        assert_ready(poll_once(of_parent));
        assert_ready(poll_once(of_child));
    }

    TEST_CASE("cancelled: asks for budget before it is ready") {
        const cancellation_token token;
        token.cancel();
        auto fut = token.cancelled();
        wake_counter counter;
        const auto waker = counter.waker();
        pollux::detail::poll_budget spent = pollux::test::budget_of(0);
        context cx(waker, &spent);
        assert_pending(fut.poll(cx));
        CHECK(counter.count() == 1);
        assert_ready(poll_once(fut));
    }

    TEST_CASE("cancel: a waker may use the token, drop it, and destroy futures that wait") {
        auto token = std::make_optional<cancellation_token>();
        std::optional<waiting> others[40];
        wake_counter idle;
        std::optional<waiting> first(token->cancelled());
        wake_counter counter;
        bool was_cancelled = false;
        counter.on_wake([&] {
            was_cancelled = token->is_cancelled() && token->child_token().is_cancelled();
            token->cancel();
            for (auto& each : others) each.reset();
            first.reset();
            token.reset();
        });
        assert_pending(poll_with(*first, counter));
        for (auto& each : others) {
            each.emplace(token->cancelled());
            assert_pending(poll_with(*each, idle));
        }
        token->cancel();
        CHECK(counter.count() == 1);
        CHECK(was_cancelled);
        CHECK(idle.count() < 40);  // those that were in the hands of cancel() already
        CHECK_FALSE(idle.is_kept());
    }

    TEST_CASE("child_token: is cancelled with its parent, not the other way, and born cancelled if that is") {
        const cancellation_token root;
        const auto left = root.child_token();
        const auto right = root.child_token();
        const auto leaf = left.child_token();
        left.cancel();
        CHECK_FALSE(root.is_cancelled());
        CHECK(left.is_cancelled());
        CHECK(leaf.is_cancelled());
        CHECK_FALSE(right.is_cancelled());
        CHECK(left.child_token().is_cancelled());
        auto fut = right.cancelled();
        wake_counter counter;
        assert_pending(poll_with(fut, counter));
        root.cancel();
        CHECK(right.is_cancelled());
        CHECK(counter.count() == 1);
        CHECK(root.child_token().is_cancelled());
    }

    TEST_CASE("child_token: stays linked to what is above when tokens between are dropped, in any order") {
        // Bits of `dropped` say which inner tokens of a small tree go before the root is cancelled, and `reverse` in which order.
        for (unsigned dropped = 0; dropped != 32; ++dropped) {
            for (const bool reverse : {false, true}) {
                CAPTURE(dropped);
                CAPTURE(reverse);
                const cancellation_token root;
                std::optional<cancellation_token> inner[5];
                inner[0] = root.child_token();
                inner[1] = inner[0]->child_token();
                inner[2] = inner[0]->child_token();
                inner[3] = inner[1]->child_token();
                inner[4] = inner[3]->child_token();
                std::vector<cancellation_token> leaves;
                for (const auto& each : inner) leaves.push_back(each->child_token());
                leaves.push_back(inner[2]->child_token());
                const auto unrelated = cancellation_token();
                for (unsigned i = 0; i != 5; ++i) {
                    const unsigned which = reverse ? 4 - i : i;
                    if ((dropped >> which & 1) != 0) inner[which].reset();
                }
                for (const auto& each : leaves) CHECK_FALSE(each.is_cancelled());
                leaves.erase(leaves.begin() + static_cast<std::ptrdiff_t>(dropped % 6));
                if (inner[1].has_value()) inner[1]->cancel();
                root.cancel();
                for (const auto& each : leaves) CHECK(each.is_cancelled());
                for (const auto& each : inner) CHECK((!each.has_value() || each->is_cancelled()));
                CHECK_FALSE(unrelated.is_cancelled());
            }
        }
    }

    TEST_CASE("child_token: takes one block, and gives it back while the parent, or a child of its own, lives") {
        const cancellation_token root;
        {
            const heap_counter heap;
            for (int i = 0; i != 1000; ++i) {
                const auto child = root.child_token();
                const auto copy = child;
            }
            CHECK(heap.by_this_thread() == 1000);
            CHECK(heap.given_back() == 1000);
        }
        const heap_counter heap;
        auto last = root.child_token();
        for (int i = 0; i != 1000; ++i) last = last.child_token();
        CHECK(heap.by_this_thread() == 1001);
        CHECK(heap.given_back() == 1000);
        root.cancel();
        CHECK(last.is_cancelled());
    }

    TEST_CASE("child_token: dropped tokens that lead to several children are fewer than those children") {
        const heap_counter heap;
        {
            const cancellation_token root;
            std::vector<cancellation_token> leaves;
            leaves.reserve(1024);
            leaves.push_back(root.child_token());
            for (std::size_t i = 0; leaves.size() != 1024; ++i) {  // a full tree, of which the leaves are kept
                leaves.push_back(leaves[i].child_token());
                leaves[i] = leaves[i].child_token();
            }
            CHECK(heap.by_this_thread() - heap.given_back() <= 2 * 1024 + 1);
            while (leaves.size() > 1) leaves.pop_back();
            CHECK(heap.by_this_thread() - heap.given_back() == 3);  // the vector, the root and a leaf
            root.cancel();
            CHECK(leaves.front().is_cancelled());
        }
        CHECK(heap.by_this_thread() == heap.given_back());
    }

    TEST_CASE("a chain of 100,000 children is cancelled and dropped, from either end, on a small stack") {
        const bool all_cancelled = pollux::test::on_small_stack([] {
            constexpr std::size_t n = 100'000;
            bool all = true;
            {
                const auto tokens = chain(n);
                tokens.front().cancel();
                for (const auto& each : tokens) all = all && each.is_cancelled();
            }
            {
                auto tokens = chain(n);
                while (!tokens.empty()) tokens.pop_back();
            }
            auto tokens = chain(n);
            auto last = tokens.back();
            for (auto& each : tokens) each = last;
            last.cancel();
            // Dropped by the cancel itself: inner tokens that nobody has.
            const cancellation_token root;
            std::vector<cancellation_token> side;
            auto at = root;
            for (std::size_t i = 0; i != n; ++i) {
                side.push_back(at.child_token());
                at = at.child_token();
            }
            root.cancel();
            for (const auto& each : side) all = all && each.is_cancelled();
            return all && at.is_cancelled();
        });
        CHECK(all_cancelled);
    }

    TEST_CASE("cancelling, waiting and dropping allocate nothing") {
        const auto tokens = chain(100);
        std::vector<std::unique_ptr<waiting>> futures;
        for (const auto& each : tokens) futures.push_back(std::make_unique<waiting>(each.cancelled()));
        wake_counter counter;
        const auto waker = counter.waker();
        context cx(waker);
        const heap_counter heap;
        {
            const auto copy = tokens.front();
            auto fut = copy.cancelled();
            assert_pending(fut.poll(cx));
            auto guard = tokens[50].drop_guard();
            guard.disarm();
            auto run = copy.run_until_cancelled(pollux::never_ready());
            assert_pending(run.poll(cx));
        }
        for (auto& each : futures) assert_pending(each->poll(cx));
        tokens.front().cancel();
        CHECK(counter.count() == 100);
        CHECK(heap.by_this_thread() == 0);
    }

    TEST_CASE("drop_guard: cancels when it is destroyed or assigned over, and not once it was moved from or disarmed") {
        const cancellation_token token;
        {
            auto guard = token.drop_guard();
            auto moved = std::move(guard);
            guard = cancellation_token().drop_guard();
            CHECK_FALSE(token.is_cancelled());
            const auto back = moved.disarm();
            CHECK_FALSE(back.is_cancelled());
        }
        CHECK_FALSE(token.is_cancelled());
        const auto child = token.child_token();
        {
            auto guard = child.drop_guard();
            guard = token.child_token().drop_guard();
            CHECK(child.is_cancelled());
        }
        CHECK_FALSE(token.is_cancelled());
        { const auto guard = token.drop_guard(); }
        CHECK(token.is_cancelled());
    }

    TEST_CASE("run_until_cancelled: gives the outcome, or nothing") {
        const cancellation_token token;
        auto number = token.run_until_cancelled(pollux::ready(7));
        auto nothing = token.run_until_cancelled(pollux::ready());
        auto failed = token.run_until_cancelled(pollux::fail<int>(std::string("no")));
        auto owns = token.run_until_cancelled(pollux::ready(std::make_unique<int>(3)));
        auto ends = token.run_until_cancelled(pollux::never_ready<int>());
        static_assert(std::is_same_v<decltype(number)::value_type, std::optional<int>>);
        static_assert(std::is_same_v<decltype(nothing)::value_type, std::optional<unit>>);
        static_assert(std::is_same_v<decltype(failed)::value_type, std::optional<std::expected<int, std::string>>> &&
                      std::is_same_v<decltype(failed)::error_type, pollux::never>);
        CHECK(assert_ready(poll_once(number)) == 7);
        CHECK(assert_ready(poll_once(nothing)).has_value());
        CHECK(assert_ready(poll_once(failed))->error() == "no");
        CHECK(**assert_ready(poll_once(owns)) == 3);
        assert_pending(poll_once(ends));
        token.cancel();
        CHECK_FALSE(assert_ready(poll_once(ends)).has_value());
    }

    TEST_CASE("run_until_cancelled: does not poll the future of a token that is cancelled already") {
        const cancellation_token token;
        token.cancel();
        manual<int> first;
        first.complete(4);
        auto fut = token.run_until_cancelled(first.future());
        CHECK_FALSE(assert_ready(poll_once(fut)).has_value());
        CHECK(first.polls() == 0);
        CHECK_FALSE(first.is_alive());
    }

    TEST_CASE("run_until_cancelled: polls the future first, and destroys it before it gives the result") {
        const cancellation_token token;
        wake_counter counter;
        manual<int> first;
        manual<int> second;
        auto finishes = token.run_until_cancelled(first.future());
        auto ends = token.run_until_cancelled(second.future());
        CHECK(first.polls() == 0);
        assert_pending(poll_with(finishes, counter));
        assert_pending(poll_with(ends, counter));
        first.complete(4);
        CHECK(counter.count() == 1);
        token.cancel();
        CHECK(counter.count() == 3);
        CHECK(assert_ready(poll_with(finishes, counter)) == 4);
        CHECK_FALSE(assert_ready(poll_with(ends, counter)).has_value());
        CHECK(second.polls() == 2);
        CHECK_FALSE(first.is_alive());
        CHECK_FALSE(second.is_alive());
    }

    TEST_CASE(
        "run_until_cancelled: an exception comes out after the future was destroyed; a dropped one waits no more") {
        const cancellation_token token;
        wake_counter counter;
        manual<int> throws;
        manual<int> dropped;
        auto fut = token.run_until_cancelled(throws.future());
        {
            auto early = token.run_until_cancelled(dropped.future());
            assert_pending(poll_with(early, counter));
        }
        CHECK_FALSE(dropped.is_alive());
        assert_pending(poll_with(fut, counter));
        throws.complete_by_throwing(std::runtime_error("out"));
        CHECK_THROWS_WITH_AS(poll_with(fut, counter), "out", std::runtime_error);
        CHECK_FALSE(throws.is_alive());
        token.cancel();
        CHECK(counter.count() == 1);
    }

    TEST_CASE("works in runtimes, with and without threads, and under a bare block_on") {
        const auto tree = [](cancellation_token token) -> task<int> {
            auto a = pollux::spawn(counts_until_cancelled(token.child_token()));
            auto b = pollux::spawn(counts_until_cancelled(token.child_token().child_token()));
            auto c = pollux::spawn(token.run_until_cancelled(pollux::never_ready()));
            auto kept = token.run_until_cancelled(counts_until_cancelled(cancellation_token()));
            for (int i = 0; i != 5; ++i) co_await pollux::yield_now();
            token.cancel();
            int sum = co_await a;
            sum += co_await b;
            const auto ended = co_await c;
            const auto also_ended = co_await kept;
            co_return sum + (ended.has_value() || also_ended.has_value() ? 100 : 0);
        };
        for (const unsigned n : {1u, 2u}) {
            pollux::runtime rt(workers(n));
            for (int i = 0; i != 100; ++i) {
                const int in_task = rt.block_on(rt.spawn(tree(cancellation_token())));
                const int in_block_on = rt.block_on(tree(cancellation_token()));
                CHECK(in_task == 2);
                CHECK(in_block_on == 2);
            }
        }
        pollux::current_thread_runtime single;
        CHECK(single.block_on(tree(cancellation_token())) == 2);
        for (int i = 0; i != 50; ++i) {
            const cancellation_token token;
            std::thread other([token] { token.cancel(); });
            const int result = pollux::block_on(counts_until_cancelled(token.child_token()));
            other.join();
            CHECK(result == 1);
        }
    }

    TEST_CASE("cancelled: moving it after its first poll ends the program") {
        const std::string message = pollux::test::message_of_abort([] {
            const cancellation_token token;
            auto fut = token.cancelled();
            assert_pending(poll_once(fut));
            const auto moved = std::move(fut);
        });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll"));
    }
}
