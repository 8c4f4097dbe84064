// SPDX-License-Identifier: MIT
// How many blocks coroutines take: each frame is one, never elided (a header is written in front of it), and nothing else is.
#include "pollux/coro/frame.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <string>

#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/heap_counter.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::task;
using pollux::test::heap_counter;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

// All in sight of the optimizer, as users' coroutines may be.
inline task<int> leaf(int n) { co_return n + 1; }
inline task<int, std::string> leaf_that_may_fail(int n) {
    if (n < 0) co_return std::unexpected("negative");
    co_return n;
}

task<int> awaits_in_expression(int times) {
    int sum = 0;
    for (int i = 0; i != times; ++i) sum += co_await leaf(1);
    co_return sum;
}
task<int> awaits_local(int times) {
    int sum = 0;
    for (int i = 0; i != times; ++i) {
        auto child = leaf(1);
        sum += co_await child;
    }
    co_return sum;
}
task<int, std::string> tries(int times) {
    int sum = 0;
    for (int i = 0; i != times; ++i) sum += co_await pollux::try_(leaf_that_may_fail(2));
    co_return sum;
}
task<int> awaits_ready(int times) {
    int sum = 0;
    for (int i = 0; i != times; ++i) sum += co_await pollux::ready(2);
    co_return sum;
}
task<int> awaits_manual(pollux::test::manual<int>::future_type& fut) { co_return co_await fut; }

struct counted_poll {
    std::size_t making = 0;
    std::size_t polling = 0;
    int result = 0;
};
template <class Make>
counted_poll count(Make make) {
    counted_poll counts;
    const heap_counter before;
    auto fut = make();
    counts.making = before.by_this_thread();
    const heap_counter at_poll;
    auto answer = poll_once(fut);
    counts.polling = at_poll.by_this_thread();
    if constexpr (std::is_same_v<typename decltype(fut)::error_type, pollux::never>)
        counts.result = answer.take();
    else
        counts.result = *answer.take();
    return counts;
}

}  // namespace

TEST_SUITE("coro/frame") {
    TEST_CASE("task: a frame is one block, and its poll takes none") {
        const auto counts = count([] { return leaf(1); });
        CHECK(counts.result == 2);
        CHECK(counts.making == 1);
        CHECK(counts.polling == 0);
    }

    TEST_CASE("co_await: each awaited task takes one block: none is elided, nothing else is allocated") {
        for (const auto& counts : {count([] { return awaits_in_expression(1000); }),
                                   count([] { return awaits_local(1000); }), count([] { return tries(1000); })}) {
            CHECK(counts.result == 2000);
            CHECK(counts.making == 1);
            CHECK(counts.polling == 1000);
        }
    }

    TEST_CASE("co_await: a future that is no task takes no block") {
        const auto counts = count([] { return awaits_ready(1000); });
        CHECK(counts.result == 2000);
        CHECK(counts.polling == 0);
    }

    TEST_CASE("co_await: a suspension, a spurious poll and a resumption take no block") {
        pollux::test::manual<int> event;
        auto waited_for = event.future();
        auto fut = awaits_manual(waited_for);
        const heap_counter before;
        assert_pending(poll_once(fut));
        assert_pending(poll_once(fut));
        event.complete(3);
        CHECK(assert_ready(poll_once(fut)) == 3);
        CHECK(before.by_this_thread() == 0);
    }

    TEST_CASE("fork_join: in place, each child takes one block and the fork none") {
        auto forks = [](int times) -> task<int> {
            int sum = 0;
            for (int i = 0; i != times; ++i) {
                const auto [a, b] = co_await pollux::fork_join(leaf(0), leaf(0));
                sum += a + b;
            }
            co_return sum;
        };
        const auto counts = count([&] { return forks(1000); });
        CHECK(counts.result == 2000);
        CHECK(counts.polling == 2000);
    }
}
