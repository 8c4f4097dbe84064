// SPDX-License-Identifier: MIT
#include "pollux/coro/async_stream.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/stream/boxed.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/map.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/drain.hpp"
#include "support/end_of_process.hpp"
#include "support/everywhere.hpp"
#include "support/greedy_names.hpp"
#include "support/heap_counter.hpp"
#include "support/manual_future.hpp"
#include "support/tracked.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::async_stream;
using pollux::task;
using pollux::try_;
using pollux::test::drain;
using pollux::test::manual;
using pollux::test::tracked;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

static_assert(pollux::stream<async_stream<int>> && !pollux::future<async_stream<int>>);
static_assert(pollux::stream<async_stream<std::unique_ptr<int>, std::string>>);

async_stream<int> numbers(int n) {
    for (int i = 0; i != n; ++i) co_yield i;
}

async_stream<int> noted(std::string& notes) {
    notes += "a";
    co_yield 1;
    notes += "b";
    co_yield 2;
    notes += "c";
}

async_stream<int, std::string> with_errors() {
    co_yield 1;
    co_yield std::unexpected("first");
    co_yield 2;
    co_yield std::unexpected(std::string("second"));
}

async_stream<int, std::string> of_outcomes(std::vector<std::expected<int, std::string>> outcomes) {
    for (const auto& each : outcomes) {
        const int n = co_await try_(each);
        co_yield n;
    }
}

async_stream<int> throws_after_one() {
    co_yield 1;
    throw std::runtime_error("thrown");
}

template <class F>
async_stream<int> adds(F fut, tracked parameter) {
    const int n = co_await fut;
    co_yield n;
    co_yield n + 1;
    static_cast<void>(parameter);
}

task<int> plus(int n) {
    co_await pollux::yield_now();
    co_return n + 1;
}

async_stream<int> of_tasks(int n) {
    for (int i = 0; i != n; ++i) {
        const int next = co_await plus(i);
        co_yield next;
    }
}

async_stream<int> of_forks(int n) {
    for (int i = 0; i != n; ++i) {
        auto [a, b] = co_await pollux::fork_join(plus(i), plus(i));
        co_yield a + b;
    }
}

task<int> sum_of(async_stream<int> items) {
    int sum = 0;
    while (auto item = co_await pollux::next(items)) sum += *item;
    co_return sum;
}

async_stream<int> plus_one(async_stream<int> inner) {
    while (auto item = co_await pollux::next(inner)) co_yield *item + 1;
}

async_stream<int> never_yields() {
    for (;;) co_await pollux::ready();
}

async_stream<std::unique_ptr<int>> pointers() {
    auto one = std::make_unique<int>(1);
    co_yield std::move(one);
    co_yield nullptr;
}

async_stream<int> catches(bool& was_caught) {
    try {
        co_yield 1;
        throw 1;
    } catch (int) {
        was_caught = true;
    }
    co_yield 2;
}

}  // namespace

TEST_SUITE("coro/async_stream") {
    TEST_CASE("async_stream: gives what is yielded, then the end for ever") {
        auto items = numbers(3);
        CHECK(drain(items) == std::vector<int>{0, 1, 2});
        CHECK(assert_ready(poll_once(items)) == std::nullopt);
        auto none = numbers(0);
        CHECK(assert_ready(poll_once(none)) == std::nullopt);
    }

    TEST_CASE("async_stream: runs nothing before the first poll, and nothing between an item and the next poll") {
        std::string notes;
        auto items = noted(notes);
        CHECK(notes.empty());
        CHECK(assert_ready(poll_once(items)) == 1);
        CHECK(notes == "a");
        CHECK(assert_ready(poll_once(items)) == 2);
        CHECK(notes == "ab");
        CHECK(assert_ready(poll_once(items)) == std::nullopt);
        CHECK(notes == "abc");
    }

    TEST_CASE("async_stream: a yielded error is an error item, and the stream goes on") {
        auto items = with_errors();
        CHECK(assert_ready(poll_once(items)).value() == 1);
        CHECK(assert_ready(poll_once(items)).error() == "first");
        CHECK(assert_ready(poll_once(items)).value() == 2);
        CHECK(assert_ready(poll_once(items)).error() == "second");
        CHECK(assert_ready(poll_once(items)).value() == std::nullopt);
    }

    TEST_CASE("async_stream: what cannot fail takes the unexpected of never, and gives it to what can") {
        const auto passed_on = []<class T, class E>(std::expected<T, E> from) -> async_stream<T, E> {
            if (from.has_value())
                co_yield *std::move(from);
            else
                co_yield std::unexpected(std::move(from).error());
        };
        auto cannot_fail = passed_on(std::expected<int, pollux::never>(1));
        CHECK(assert_ready(poll_once(cannot_fail)) == 1);
        auto fails = passed_on(std::expected<int, std::string>(std::unexpect, "no"));
        CHECK(poll_once(fails).error() == "no");
    }

    TEST_CASE("async_stream: a destructor that throws while its frame is destroyed ends the process with a message") {
        struct throws_at_end {
            ~throws_at_end() noexcept(false) { throw std::runtime_error("local"); }
        };
        const auto message = pollux::test::message_of_abort([] {
            auto source = []() -> async_stream<int> {
                const throws_at_end local;
                co_yield 1;
            }();
            static_cast<void>(poll_once(source));
        });
        CHECK(message.starts_with("pollux: coroutine: the destructor of a local or a parameter threw "));
    }

    TEST_CASE("async_stream: try_ yields the error, then ends") {
        auto items = of_outcomes({1, std::unexpected("broken"), 2});
        CHECK(assert_ready(poll_once(items)).value() == 1);
        CHECK(assert_ready(poll_once(items)).error() == "broken");
        CHECK(assert_ready(poll_once(items)).value() == std::nullopt);
        CHECK(assert_ready(poll_once(items)).value() == std::nullopt);
    }

    TEST_CASE("async_stream: an exception comes out of the poll, then it is at its end") {
        auto items = throws_after_one();
        CHECK(assert_ready(poll_once(items)) == 1);
        CHECK_THROWS_WITH_AS(poll_once(items), "thrown", std::runtime_error);
        CHECK(assert_ready(poll_once(items)) == std::nullopt);
    }

    TEST_CASE("async_stream: the body may catch around a yield") {
        bool was_caught = false;
        auto items = catches(was_caught);
        CHECK(drain(items) == std::vector<int>{1, 2});
        CHECK(was_caught);
    }

    TEST_CASE("async_stream: is pending while it awaits, with the latest waker, and goes on when woken") {
        std::atomic<int> alive{0};
        manual<int> event;
        auto items = adds(event.future(), tracked(alive));
        assert_pending(poll_once(items));
        const pollux::test::wake_counter late;
        const pollux::waker waker = late.waker();
        pollux::context cx(waker);
        assert_pending(items.poll_next(cx));
        event.complete(5);
        CHECK(late.count() == 1);
        CHECK(assert_ready(poll_once(items)) == 5);
        CHECK(alive == 1);
        CHECK(assert_ready(poll_once(items)) == 6);
        CHECK(assert_ready(poll_once(items)) == std::nullopt);
        CHECK(alive == 0);
    }

    TEST_CASE("async_stream: may be moved at any time; what was moved from is at its end") {
        std::atomic<int> alive{0};
        manual<int> event;
        auto first = adds(event.future(), tracked(alive));
        assert_pending(poll_once(first));
        auto second = std::move(first);
        CHECK(assert_ready(poll_once(first)) == std::nullopt);
        event.complete(1);
        CHECK(assert_ready(poll_once(second)) == 1);
        auto other = adds(pollux::ready(7), tracked(alive));
        CHECK(alive == 2);
        async_stream<int> third = numbers(1);
        third = std::move(second);
        CHECK(assert_ready(poll_once(third)) == 2);
        third = numbers(1);
        CHECK(alive == 1);
        CHECK(assert_ready(poll_once(third)) == 0);
    }

    TEST_CASE("async_stream: dropping it at any stage destroys its locals and parameters once") {
        std::atomic<int> alive{0};
        for (int stage = 0; stage != 5; ++stage) {
            CAPTURE(stage);
            manual<int> event;
            {
                auto items = adds(event.future(), tracked(alive));
                CHECK(alive == 1);
                if (stage >= 1) assert_pending(poll_once(items));
                if (stage >= 2) event.complete(1);
                if (stage >= 2) CHECK(assert_ready(poll_once(items)) == 1);
                if (stage >= 3) CHECK(assert_ready(poll_once(items)) == 2);
                if (stage >= 4) CHECK(assert_ready(poll_once(items)) == std::nullopt);
                CHECK(alive == (stage >= 4 ? 0 : 1));
            }
            CHECK(alive == 0);
        }
    }

    TEST_CASE("async_stream: items may be moved only") {
        auto items = pointers();
        auto item = assert_ready(poll_once(items));
        CHECK(**item == 1);
        CHECK(assert_ready(poll_once(items)).value() == nullptr);
        CHECK(assert_ready(poll_once(items)) == std::nullopt);
    }

    TEST_CASE("async_stream: awaits tasks and forks, in every kind of runtime and in none") {
        pollux::test::gives_everywhere([] { return sum_of(of_tasks(100)); }, 5050);
        pollux::test::gives_everywhere([] { return sum_of(of_forks(100)); }, 10100);
        CHECK(pollux::block_on(sum_of(numbers(10))) == 45);
    }

    TEST_CASE("async_stream: goes through adapters and into a box") {
        pollux::boxed_stream<int> items = numbers(3) | pollux::map([](int n) { return n * n; });
        CHECK(drain(items) == std::vector<int>{0, 1, 4});
        CHECK(pollux::block_on(sum_of(plus_one(numbers(4)))) == 10);
    }

    TEST_CASE("async_stream: one that never yields leaves room for other tasks") {
        pollux::current_thread_runtime rt;
        auto endless = rt.spawn(sum_of(never_yields()));
        auto sibling = rt.spawn([] { return 1; });
        CHECK(rt.block_on(std::move(sibling)) == 1);
        endless.abort();
    }

    TEST_CASE("async_stream: takes one block, and none for an item") {
        const pollux::test::heap_counter heap;
        auto items = numbers(1000);
        CHECK(heap.by_this_thread() == 1);
        int sum = 0;
        while (auto item = assert_ready(poll_once(items))) sum += *item;
        CHECK(sum == 499500);
        CHECK(heap.by_this_thread() == 1);
    }

    // make_awaiter was called without its namespace.
    TEST_CASE("async_stream: awaits futures whose namespace has functions of the library's names") {
        auto source = []() -> pollux::async_stream<int> {
            const auto item = co_await greedy::work(5);
            co_yield int(item.number);
        }();
        CHECK(pollux::testing::assert_ready(pollux::testing::poll_once(source)) == 5);
    }
}
