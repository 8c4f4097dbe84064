// SPDX-License-Identifier: MIT
#include "pollux/stream/chunks.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"
#include "support/manual_stream.hpp"

namespace {

using pollux::test::drain;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using numbers = std::vector<int>;

// Numbers from 1 on, always ready.
auto count_up(int& taken) {
    return pollux::poll_stream_fn([&taken](pollux::context&) {
        ++taken;
        return pollux::polled<std::optional<int>>(taken);
    });
}

}  // namespace

TEST_SUITE("stream/chunks") {
    TEST_CASE("chunks: gives vectors of n items and a short last one, in both forms") {
        auto piped = pollux::iter({1, 2, 3, 4, 5}) | pollux::chunks(2);
        static_assert(std::is_same_v<decltype(piped)::value_type, numbers>);
        CHECK(drain(piped) == std::vector<numbers>{{1, 2}, {3, 4}, {5}});
        auto called = pollux::chunks(pollux::iter({1, 2}), 2);
        CHECK(drain(called) == std::vector<numbers>{{1, 2}});
        auto none = pollux::iter(numbers()) | pollux::chunks(2);
        CHECK(drain(none).empty());
    }

    TEST_CASE("chunks: waits until a chunk is full, and does not poll a source that has ended again") {
        pollux::test::manual_stream<std::unique_ptr<int>> source;
        auto chunked = source.stream() | pollux::chunks(2);
        CHECK(source.polls() == 0);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        source.give(std::make_unique<int>(1));
        assert_pending(chunked.poll_next(cx));
        source.give(std::make_unique<int>(2));
        CHECK(waker.count() == 1);
        CHECK(assert_ready(chunked.poll_next(cx))->size() == 2);
        source.give(std::make_unique<int>(3));
        source.end();
        const auto last = assert_ready(chunked.poll_next(cx));
        REQUIRE(last->size() == 1);
        CHECK(*last->front() == 3);
        const int polls = source.polls();
        CHECK_FALSE(assert_ready(chunked.poll_next(cx)).has_value());
        CHECK_FALSE(assert_ready(chunked.poll_next(cx)).has_value());
        CHECK(source.polls() == polls);
    }

    TEST_CASE("chunks: an error comes after the items before it, and ends nothing") {
        pollux::test::manual_stream<int, std::string> source;
        auto chunked = source.stream() | pollux::chunks(3);
        source.fail("first");
        source.give(1);
        source.give(2);
        source.fail("second");
        source.give(3);
        source.end();
        CHECK(assert_ready(poll_once(chunked)).error() == "first");
        CHECK(assert_ready(poll_once(chunked)).value() == numbers{1, 2});
        CHECK(assert_ready(poll_once(chunked)).error() == "second");
        CHECK(assert_ready(poll_once(chunked)).value() == numbers{3});
        CHECK_FALSE(assert_ready(poll_once(chunked)).value().has_value());
    }

    TEST_CASE("chunks: an exception of the source comes out of the poll, and the items held stay") {
        pollux::test::manual_stream<int> source;
        auto chunked = source.stream() | pollux::chunks(2);
        source.give(1);
        source.throw_next(std::runtime_error("no"));
        source.give(2);
        CHECK_THROWS_AS(poll_once(chunked), std::runtime_error);
        CHECK(assert_ready(poll_once(chunked)) == numbers{1, 2});
    }

    TEST_CASE("chunks: yields when the budget of the poll is spent, and loses no item") {
        int taken = 0;
        auto chunked = count_up(taken) | pollux::chunks(6);
        pollux::testing::counting_waker waker;
        assert_pending(
            pollux::test::with_budget(3, waker.waker(), [&](pollux::context& cx) { return chunked.poll_next(cx); }));
        CHECK(taken == 4);
        CHECK(waker.count() == 1);
        CHECK(assert_ready(poll_once(chunked)) == numbers{1, 2, 3, 4, 5, 6});
    }

    TEST_CASE("chunks: one allocation a chunk, and n may stand for no limit") {
        auto source = pollux::iter(numbers(100, 1));
        auto all = pollux::iter(numbers(3000, 1)) | pollux::chunks(std::numeric_limits<std::size_t>::max());
        const pollux::test::allocation_counter allocations;
        auto chunked = std::move(source) | pollux::chunks(10);
        std::size_t items = 0;
        while (auto chunk = assert_ready(poll_once(chunked))) items += chunk->size();
        CHECK(items == 100);
        CHECK(allocations.count() == 10);
        CHECK(assert_ready(poll_once(all))->size() == 3000);
    }

    TEST_CASE("chunks: a drop drops the items held, then the source") {
        std::vector<std::string> log;
        {
            auto source = pollux::poll_stream_fn(
                [&log, is_first = true, kept = pollux::test::mark(log, "source")](
                    pollux::context&) mutable -> pollux::polled<std::optional<pollux::test::mark>> {
                    if (!std::exchange(is_first, false)) return pollux::pending;
                    return pollux::test::mark(log, "item");
                });
            auto chunked = pollux::chunks(std::move(source), 2);
            assert_pending(poll_once(chunked));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"item", "source"});
    }

    TEST_CASE("chunks: zero is refused where it is written") {
        CHECK_THROWS_AS(static_cast<void>(pollux::chunks(0)), std::invalid_argument);
        CHECK_THROWS_AS(static_cast<void>(pollux::chunks(pollux::iter({1}), 0)), std::invalid_argument);
        CHECK_THROWS_AS(static_cast<void>(pollux::ready_chunks(0)), std::invalid_argument);
        CHECK_THROWS_AS(static_cast<void>(pollux::ready_chunks(pollux::iter({1}), 0)), std::invalid_argument);
    }

    TEST_CASE("chunks: may be copied before its first poll, and is refused with a message when moved while it holds") {
        auto source = pollux::poll_stream_fn(
            [is_first = true](pollux::context&) mutable -> pollux::polled<std::optional<std::unique_ptr<int>>> {
                if (!std::exchange(is_first, false)) return pollux::pending;
                return nullptr;
            });
        const auto untouched = pollux::chunks(source, 2);
        auto chunked = untouched;
        assert_pending(poll_once(chunked));
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(chunked); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }

    TEST_CASE("ready_chunks: gives what is ready at once, at least one and at most n, in both forms") {
        pollux::test::manual_stream<int> source;
        auto chunked = source.stream() | pollux::ready_chunks(2);
        static_assert(std::is_same_v<decltype(chunked)::value_type, numbers>);
        CHECK(source.polls() == 0);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(chunked.poll_next(cx));
        for (const int n : {1, 2, 3}) source.give(n);
        CHECK(waker.count() == 1);
        CHECK(assert_ready(chunked.poll_next(cx)) == numbers{1, 2});
        CHECK(assert_ready(chunked.poll_next(cx)) == numbers{3});
        assert_pending(chunked.poll_next(cx));
        source.give(4);
        source.end();
        CHECK(waker.count() == 2);
        CHECK(assert_ready(chunked.poll_next(cx)) == numbers{4});
        const int polls = source.polls();
        CHECK_FALSE(assert_ready(chunked.poll_next(cx)).has_value());
        CHECK(source.polls() == polls);
        auto called = pollux::ready_chunks(pollux::iter({1, 2, 3}), 2);
        CHECK(drain(called) == std::vector<numbers>{{1, 2}, {3}});
    }

    TEST_CASE("ready_chunks: an error comes after the items before it, and an exception loses none") {
        pollux::test::manual_stream<int, std::string> source;
        auto chunked = source.stream() | pollux::ready_chunks(3);
        source.give(1);
        source.fail("e");
        source.give(2);
        source.throw_next(std::runtime_error("no"));
        CHECK(assert_ready(poll_once(chunked)).value() == numbers{1});
        CHECK(assert_ready(poll_once(chunked)).error() == "e");
        CHECK_THROWS_AS(poll_once(chunked), std::runtime_error);
        CHECK(assert_ready(poll_once(chunked)).value() == numbers{2});
    }

    TEST_CASE("ready_chunks: hands out what it has when the budget of the poll is spent") {
        int taken = 0;
        auto chunked = count_up(taken) | pollux::ready_chunks(100);
        pollux::testing::counting_waker waker;
        std::vector<numbers> chunks_of_poll;
        pollux::test::with_budget(3, waker.waker(), [&](pollux::context& cx) {
            for (int i = 0; i < 2; ++i) chunks_of_poll.push_back(assert_ready(chunked.poll_next(cx)).value());
        });
        CHECK(chunks_of_poll == std::vector<numbers>{{1, 2, 3, 4}, {5}});
        CHECK(waker.count() == 2);
        CHECK(taken == 5);
    }
}
