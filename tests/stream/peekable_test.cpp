// SPDX-License-Identifier: MIT
#include "pollux/stream/peekable.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/context.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/stream/repeat.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"
#include "support/manual_stream.hpp"

namespace {

using pollux::test::drain;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

template <class S>
concept can_peek = requires(S&& source) { std::forward<S>(source).peek(); };

// The lengths of the runs of equal items.
template <class S>
pollux::task<std::vector<int>> run_lengths(S source) {
    std::vector<int> lengths;
    while (auto item = co_await pollux::next(source)) {
        lengths.push_back(1);
        for (;;) {
            const int* following = co_await source.peek();
            if (following == nullptr || *following != *item) break;
            co_await pollux::next(source);
            ++lengths.back();
        }
    }
    co_return lengths;
}

struct hides_address {
    int value;
    hides_address* operator&() = delete;
};

}  // namespace

TEST_SUITE("stream/peekable") {
    TEST_CASE("peekable: shows the next item without taking it, in both forms") {
        auto piped = pollux::iter({1, 2}) | pollux::peekable();
        static_assert(std::is_same_v<decltype(piped)::value_type, int>);
        auto peek = piped.peek();
        static_assert(std::is_same_v<decltype(peek)::value_type, const int*>);
        static_assert(std::is_same_v<decltype(peek)::error_type, pollux::never>);
        const int* const shown = assert_ready(poll_once(peek));
        REQUIRE(shown != nullptr);
        CHECK(*shown == 1);
        auto again = piped.peek();
        CHECK(assert_ready(poll_once(again)) == shown);
        CHECK(drain(piped) == std::vector{1, 2});
        auto called = pollux::peekable(pollux::iter({1, 2}));
        CHECK(drain(called) == std::vector{1, 2});
    }

    TEST_CASE("peekable: shows an item that has an operator& of its own") {
        auto items = pollux::repeat(hides_address{4}) | pollux::peekable();
        auto peek = items.peek();
        CHECK(assert_ready(poll_once(peek))->value == 4);
    }

    TEST_CASE("peekable: is lazy, wakes a peek, and a drop of one loses nothing") {
        pollux::test::manual_stream<std::unique_ptr<int>> source;
        auto peekable = source.stream() | pollux::peekable();
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        {
            auto peek = peekable.peek();
            CHECK(source.polls() == 0);
            assert_pending(peek.poll(cx));
        }
        source.give(std::make_unique<int>(1));
        CHECK(waker.count() == 1);
        {
            auto peek = peekable.peek();
            CHECK(**assert_ready(peek.poll(cx)) == 1);
        }
        CHECK(source.polls() == 2);
        CHECK(**assert_ready(peekable.poll_next(cx)) == 1);
        CHECK(source.polls() == 2);
        assert_pending(peekable.poll_next(cx));
    }

    TEST_CASE("peekable: the end is null for a peek, stays, and is not asked for again") {
        pollux::test::manual_stream<int> source;
        source.end();
        auto peekable = source.stream() | pollux::peekable();
        for (int round = 0; round < 2; ++round) {
            CAPTURE(round);
            auto peek = peekable.peek();
            CHECK(assert_ready(poll_once(peek)) == nullptr);
            CHECK_FALSE(assert_ready(poll_once(peekable)).has_value());
            CHECK(source.polls() == 1);
        }
        CHECK(source.is_alive());
        pollux::test::manual_stream<int> taken;
        taken.end();
        auto other = taken.stream() | pollux::peekable();
        CHECK_FALSE(assert_ready(poll_once(other)).has_value());
        auto peek = other.peek();
        CHECK(assert_ready(poll_once(peek)) == nullptr);
        CHECK(taken.polls() == 1);
    }

    TEST_CASE("peekable: an error that was seen is the next answer all the same, and ends nothing") {
        pollux::test::manual_stream<int, std::string> source;
        source.fail("e");
        source.give(1);
        auto peekable = source.stream() | pollux::peekable();
        for (int round = 0; round < 2; ++round) {
            CAPTURE(round);
            auto peek = peekable.peek();
            static_assert(std::is_same_v<decltype(peek)::error_type, std::string>);
            CHECK(assert_ready(poll_once(peek)).error() == "e");
        }
        CHECK(source.polls() == 1);
        CHECK(assert_ready(poll_once(peekable)).error() == "e");
        auto peek = peekable.peek();
        CHECK(*assert_ready(poll_once(peek)).value() == 1);
        CHECK(assert_ready(poll_once(peekable)).value() == 1);
    }

    TEST_CASE("peekable: an exception of the source comes out of the peek, and the next item follows") {
        pollux::test::manual_stream<int> source;
        source.throw_next(std::runtime_error("no"));
        source.give(1);
        auto peekable = source.stream() | pollux::peekable();
        auto peek = peekable.peek();
        CHECK_THROWS_AS(poll_once(peek), std::runtime_error);
        CHECK(assert_ready(poll_once(peekable)) == 1);
    }

    TEST_CASE("peekable: a drop drops the item that was seen, then the source") {
        std::vector<std::string> log;
        {
            auto source =
                pollux::poll_stream_fn([&log, kept = pollux::test::mark(log, "source")](
                                           pollux::context&) -> pollux::polled<std::optional<pollux::test::mark>> {
                    return pollux::test::mark(log, "item");
                });
            auto peekable = pollux::peekable(std::move(source));
            auto peek = peekable.peek();
            CHECK(assert_ready(poll_once(peek)) != nullptr);
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"item", "source"});
    }

    TEST_CASE("peekable: a coroutine looks ahead") {
        CHECK(pollux::block_on(run_lengths(pollux::iter({1, 1, 2, 3, 3, 3}) | pollux::peekable())) ==
              std::vector{2, 1, 3});
    }

    TEST_CASE("peekable: a temporary cannot be peeked at") {
        using peekable = decltype(pollux::peekable(pollux::iter({1})));
        static_assert(can_peek<peekable&>);
        static_assert(!can_peek<peekable>);
    }

#ifndef NDEBUG
    TEST_CASE("peek: a debug build stops with a message when it is polled after it was ready or threw") {
        auto peekable = pollux::peekable(pollux::repeat(1));
        CHECK(pollux::test::message_of_second_poll(peekable.peek())
                  .starts_with("pollux: peek: polled after it was ready"));
        auto throwing = pollux::peekable(pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<int>> { throw std::runtime_error("no"); }));
        CHECK(pollux::test::message_of_second_poll(throwing.peek())
                  .starts_with("pollux: peek: polled after it was ready"));
    }
#endif

    TEST_CASE("peekable: allocates nothing, and is refused with a message when it is moved while it holds an item") {
        const pollux::test::allocation_counter allocations;
        auto source = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<std::unique_ptr<int>>> { return nullptr; });
        const auto untouched = pollux::peekable(source);
        auto peekable = untouched;
        auto peek = peekable.peek();
        CHECK(assert_ready(poll_once(peek)) != nullptr);
        CHECK(allocations.count() == 0);
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(peekable); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}
