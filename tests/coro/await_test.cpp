// SPDX-License-Identifier: MIT
#include "pollux/coro/await.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/future/select.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"
#include "support/tracked.hpp"

namespace {

using pollux::polled;
using pollux::task;
using pollux::test::manual;
using pollux::test::tracked;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

// A future that may neither be moved nor copied.
class fixed {
public:
    using value_type = int;
    using error_type = pollux::never;
    explicit fixed(int answer) : answer_(answer) {}
    fixed(fixed&&) = delete;
    polled<int> poll(pollux::context& cx) {
        if (polls_++ < 2) {
            cx.waker().wake();
            return pollux::pending;
        }
        return answer_;
    }

private:
    int answer_;
    int polls_ = 0;
};

template <class F>
task<typename F::value_type, typename F::error_type> await_it(F fut) {
    co_return co_await fut;
}
template <class F>
task<> await_void(F fut) {
    co_await std::move(fut);
}

task<int> await_fixed() {
    fixed local(20);
    const int first = co_await local;
    const int second = co_await fixed(22);
    co_return first + second;
}

template <class F>
task<std::string> what_it_throws(F fut) {
    std::string text = "nothing";
    try {
        co_await fut;
    } catch (const std::runtime_error& error) {
        text = error.what();
    }
    co_return text;
}

task<int> thrower(int depth) {
    if (depth == 0) throw std::runtime_error("from below");
    const int n = co_await thrower(depth - 1);
    co_return n;
}
task<int> late_thrower(int depth, manual<>::future_type leaf, std::atomic<int>& alive) {
    const tracked local(alive);
    if (depth == 0) {
        co_await leaf;
        throw std::runtime_error("from below");
    }
    const int n = co_await late_thrower(depth - 1, std::move(leaf), alive);
    co_return n;
}

task<int> sum_to(int n) {
    if (n == 0) co_return 0;
    const int rest = co_await sum_to(n - 1);
    co_return n + rest;
}

task<int, std::string> two_steps(manual<int>::future_type first, manual<int, std::string>::future_type second) {
    const int a = co_await first;
    const auto b = co_await second;
    if (!b) co_return std::unexpected(b.error() + " after " + std::to_string(a));
    co_return a + *b;
}

// Polls `fut` twice below a combinator, then awaits it.
task<std::string> awaits_started(task<int, std::string> fut, manual<int>::future_type stop) {
    auto first = pollux::select(pollux::by_ref(fut), std::move(stop));
    const auto which = co_await first;
    if (which.index() == 0) co_return "ended below the select";
    const auto outcome = co_await fut;
    co_return outcome.has_value() ? std::to_string(*outcome) : outcome.error();
}

}  // namespace

TEST_SUITE("coro/await") {
    TEST_CASE("co_await: a ready future does not suspend; lvalues and rvalues, movable or not") {
        CHECK(pollux::block_on(await_it(pollux::ready(5))) == 5);
        auto nothing = await_void(pollux::ready());
        assert_ready(poll_once(nothing));
        CHECK(pollux::block_on(await_fixed()) == 42);
        pollux::boxed_future<int> boxed = pollux::ready(6);
        CHECK(pollux::block_on(await_it(std::move(boxed))) == 6);
    }

    TEST_CASE("co_await: an outcome with an error comes as std::expected") {
        CHECK(pollux::block_on(await_it(pollux::fail<int>(std::string("bad")))).error() == "bad");
        manual<int, std::string> leaf;
        auto fut = await_it(leaf.future());
        assert_pending(poll_once(fut));
        leaf.complete(std::unexpected("late"));
        CHECK(assert_ready(poll_once(fut)).error() == "late");
    }

    TEST_CASE("co_await: each leaf is polled in its turn and not again after it was ready") {
        manual<int> first;
        manual<int, std::string> second;
        auto fut = two_steps(first.future(), second.future());
        assert_pending(poll_once(fut));
        CHECK(first.polls() == 1);
        CHECK(second.polls() == 0);
        assert_pending(poll_once(fut));  // a spurious poll
        CHECK(first.polls() == 2);
        first.complete(1);
        assert_pending(poll_once(fut));
        CHECK(first.polls() == 3);
        CHECK(second.polls() == 1);
        second.complete(2);
        CHECK(assert_ready(poll_once(fut)) == 3);
        CHECK(first.polls() == 3);
        CHECK(second.polls() == 2);
    }

    TEST_CASE("co_await: a leaf is polled with the waker of the latest poll") {
        manual<int> first;
        manual<int, std::string> second;
        auto fut = two_steps(first.future(), second.future());
        pollux::testing::counting_waker early;
        pollux::testing::counting_waker late;
        pollux::context early_cx(early.waker());
        pollux::context late_cx(late.waker());
        assert_pending(fut.poll(early_cx));
        CHECK(first.kept_waker().will_wake(early.waker()));
        assert_pending(fut.poll(late_cx));
        CHECK(first.kept_waker().will_wake(late.waker()));
        first.complete(1);
        CHECK(early.count() == 0);
        CHECK(late.count() == 1);
        assert_pending(fut.poll(early_cx));
        second.complete(std::unexpected("e"));
        CHECK(early.count() == 1);
        CHECK(assert_ready(fut.poll(early_cx)).error() == "e after 1");
    }

    TEST_CASE("co_await: the context of a leaf has no runtime and no limit under a poll by hand") {
        auto many = []() -> task<int> {
            auto asks = pollux::poll_fn([](pollux::context& cx) -> polled<bool> {
                bool all = true;
                for (int i = 0; i != 10'000; ++i) all = cx.consume_budget() && all;
                return all && cx.runtime() == nullptr;
            });
            const bool all = co_await asks;
            co_return all ? 1 : 0;
        };
        auto fut = many();
        CHECK(assert_ready(poll_once(fut)) == 1);
    }

    TEST_CASE("co_await: a coroutine that has had its share holds no result: what it awaits next was not polled") {
        int polls = 0;
        int results = 0;
        const auto counting = [&polls] {
            return pollux::poll_fn([&polls](pollux::context&) -> polled<int> { return ++polls; });
        };
        const auto awaits = [](auto make, int& seen) -> task<> {
            for (int i = 0; i != 10'000; ++i) {
                static_cast<void>(co_await make());
                ++seen;
            }
        };
        const auto tries = [](auto make, int& seen) -> task<> {
            for (int i = 0; i != 10'000; ++i) {
                static_cast<void>(co_await pollux::try_(make()));
                ++seen;
            }
        };
        const auto look = [&](task<> loop) {
            polls = results = 0;
            pollux::current_thread_runtime rt;
            auto busy = rt.spawn(std::move(loop));
            rt.poll_once();
            CHECK(results > 0);
            CHECK(results < 10'000);
            CHECK(polls == results);
            rt.run_until_stalled();
            CHECK(busy.is_finished());
            CHECK(polls == 10'000);
        };
        look(awaits(counting, results));
        look(tries(counting, results));
    }

    TEST_CASE("co_await: an exception of a leaf is thrown where it is awaited, at once and later") {
        manual<> leaf;
        auto late = what_it_throws(leaf.future());
        assert_pending(poll_once(late));
        leaf.complete_by_throwing(std::runtime_error("late"));
        CHECK(assert_ready(poll_once(late)) == "late");
        CHECK(leaf.polls() == 2);
        manual<> at_once;
        at_once.complete_by_throwing(std::runtime_error("at once"));
        CHECK(pollux::block_on(what_it_throws(at_once.future())) == "at once");
    }

    TEST_CASE("co_await: an exception travels up a chain of tasks") {
        CHECK(pollux::block_on(what_it_throws(thrower(0))) == "from below");
        CHECK(pollux::block_on(what_it_throws(thrower(63))) == "from below");
        CHECK(pollux::block_on(what_it_throws(thrower(1000))) == "from below");
        auto unhandled = thrower(200);
        CHECK_THROWS_AS(poll_once(unhandled), std::runtime_error);
    }

    TEST_CASE("co_await: an exception after a suspension travels up and destroys every frame") {
        std::atomic<int> alive = 0;
        manual<> leaf;
        auto fut = what_it_throws(late_thrower(150, leaf.future(), alive));
        assert_pending(poll_once(fut));
        CHECK(alive == 151);
        leaf.complete(polled<>::ready());
        CHECK(assert_ready(poll_once(fut)) == "from below");
        CHECK(alive == 0);
    }

    TEST_CASE("co_await: chains of any depth give their result") {
        for (const int depth : {0, 1, 62, 63, 64, 65, 127, 128, 129, 5000}) {
            CAPTURE(depth);
            CHECK(pollux::block_on(sum_to(depth)) == depth * (depth + 1) / 2);
        }
    }

    TEST_CASE("co_await: a task inside a future inside a task is polled in place") {
        auto inner = pollux::map(sum_to(100), [](int n) { return n + 1; });
        auto both = pollux::join(await_it(std::move(inner)), sum_to(70));
        CHECK(pollux::block_on(await_it(std::move(both))) == std::tuple(5051, 2485));

        // The tasks below the join suspend one by one, above and below the limit of nested calls.
        std::atomic<int> alive = 0;
        manual<> first;
        manual<> second;
        auto fut = await_it(pollux::join(what_it_throws(late_thrower(5, first.future(), alive)),
                                         what_it_throws(late_thrower(100, second.future(), alive))));
        assert_pending(poll_once(fut));
        CHECK(alive == 107);
        second.complete(polled<>::ready());
        assert_pending(poll_once(fut));
        CHECK(alive == 6);
        first.complete(polled<>::ready());
        CHECK(assert_ready(poll_once(fut)) == std::tuple(std::string("from below"), std::string("from below")));
        CHECK(alive == 0);
    }

    TEST_CASE("co_await: a task that was polled before goes on where it was") {
        for (const bool fails : {false, true}) {
            CAPTURE(fails);
            manual<int> first;
            manual<int, std::string> second;
            manual<int> stop;
            auto fut = awaits_started(two_steps(first.future(), second.future()), stop.future());
            assert_pending(poll_once(fut));
            first.complete(1);
            assert_pending(poll_once(fut));
            stop.complete(0);
            assert_pending(poll_once(fut));
            CHECK(second.polls() == 3);
            if (fails)
                second.complete(std::unexpected("bad"));
            else
                second.complete(2);
            CHECK(assert_ready(poll_once(fut)) == (fails ? "bad after 1" : "3"));
            CHECK(second.polls() == 4);
        }
    }

    TEST_CASE("co_await: a task that was polled before may be ready at once, or throw") {
        manual<int> first;
        manual<int, std::string> second;
        manual<int> stop;
        auto inner = two_steps(first.future(), second.future());
        assert_pending(poll_once(inner));
        stop.complete(0);
        first.complete(1);
        second.complete(2);
        // The select finds the task ready before `stop`.
        auto below = awaits_started(std::move(inner), stop.future());
        CHECK(assert_ready(poll_once(below)) == "ended below the select");

        std::atomic<int> alive = 0;
        manual<> leaf;
        auto throwing = late_thrower(2, leaf.future(), alive);
        assert_pending(poll_once(throwing));
        auto fut = what_it_throws(std::move(throwing));
        assert_pending(poll_once(fut));
        leaf.complete(polled<>::ready());
        CHECK(assert_ready(poll_once(fut)) == "from below");

        manual<> ready_leaf;
        auto ends_at_once = late_thrower(2, ready_leaf.future(), alive);
        assert_pending(poll_once(ends_at_once));
        ready_leaf.complete(polled<>::ready());
        auto awaits_it = what_it_throws(std::move(ends_at_once));
        CHECK(assert_ready(poll_once(awaits_it)) == "from below");
        CHECK(alive == 0);
    }

    TEST_CASE("co_await: a frame that awaits a task polled before is destroyed with that task") {
        manual<int> first;
        manual<int, std::string> second;
        {
            auto inner = two_steps(first.future(), second.future());
            assert_pending(poll_once(inner));
            auto fut = await_it(std::move(inner));
            assert_pending(poll_once(fut));
            CHECK(first.polls() == 2);
        }
        CHECK_FALSE(first.is_alive());
        CHECK_FALSE(second.is_alive());
    }

    TEST_CASE("co_await: a bare block_on inside a coroutine polls on this thread") {
        auto nested = []() -> task<int> {
            const int inner = pollux::block_on(sum_to(200));
            const int outer = co_await sum_to(3);
            co_return inner + outer;
        };
        CHECK(pollux::block_on(nested()) == 20106);
    }

    TEST_CASE("block_on: a task that is woken by another thread") {
        manual<int> first;
        manual<int, std::string> second;
        first.complete(1);
        second.complete(2);
        CHECK(pollux::block_on(two_steps(first.future(), second.future())) == 3);
    }
}
