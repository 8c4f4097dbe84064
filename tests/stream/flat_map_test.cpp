// SPDX-License-Identifier: MIT
#include "pollux/stream/flat_map.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/stream/empty_stream.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/stream/repeat.hpp"
#include "pollux/stream/take.hpp"
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

auto copies(int n) { return pollux::repeat(n) | pollux::take(static_cast<std::size_t>(n)); }

}  // namespace

TEST_SUITE("stream/flat_map") {
    TEST_CASE("flat_map: gives the items of one stream after the other, in both forms") {
        auto piped = pollux::iter({2, 0, 3}) | pollux::flat_map(copies);
        static_assert(std::is_same_v<decltype(piped)::value_type, int>);
        static_assert(std::is_same_v<decltype(piped)::error_type, pollux::never>);
        CHECK(drain(piped) == std::vector{2, 2, 3, 3, 3});
        auto called = pollux::flat_map(pollux::iter({1}), copies);
        CHECK(drain(called) == std::vector{1});
    }

    TEST_CASE("flat_map: destroys a stream at its end, before it takes the next item") {
        pollux::test::manual_stream<std::unique_ptr<int>> source;
        std::vector<pollux::test::manual_stream<int, std::string>> inner(2);
        std::vector<bool> first_was_alive;
        auto flat = source.stream() | pollux::flat_map([&](std::unique_ptr<int> n) {
                        first_was_alive.push_back(inner[0].is_alive());
                        return inner[static_cast<std::size_t>(*n)].stream();
                    });
        static_assert(std::is_same_v<decltype(flat)::error_type, std::string>);
        CHECK(source.polls() == 0);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        source.give(std::make_unique<int>(0));
        source.give(std::make_unique<int>(1));
        assert_pending(flat.poll_next(cx));
        CHECK(source.polls() == 1);
        inner[0].fail("e");
        CHECK(waker.count() == 1);
        inner[0].give(5);
        inner[0].end();
        CHECK(assert_ready(flat.poll_next(cx)).error() == "e");
        CHECK(assert_ready(flat.poll_next(cx)).value() == 5);
        CHECK(source.polls() == 1);
        assert_pending(flat.poll_next(cx));
        CHECK(first_was_alive == std::vector{true, false});
        inner[1].end();
        assert_pending(flat.poll_next(cx));
        CHECK_FALSE(inner[1].is_alive());
        source.end();
        CHECK_FALSE(assert_ready(flat.poll_next(cx)).value().has_value());
        CHECK(source.is_alive());
    }

    TEST_CASE("flat_map: errors and exceptions of the source and of the function pass, and end nothing") {
        pollux::test::manual_stream<int, std::string> source;
        auto flat = source.stream() | pollux::flat_map([](int n) {
                        if (n == 0) throw std::logic_error("zero");
                        return copies(n);
                    });
        source.fail("e");
        source.throw_next(std::runtime_error("no"));
        source.give(0);
        source.give(1);
        source.end();
        CHECK(assert_ready(poll_once(flat)).error() == "e");
        CHECK_THROWS_AS(poll_once(flat), std::runtime_error);
        CHECK_THROWS_AS(poll_once(flat), std::logic_error);
        CHECK(assert_ready(poll_once(flat)).value() == 1);
        CHECK_FALSE(assert_ready(poll_once(flat)).value().has_value());
    }

    TEST_CASE("flat_map: a stream that threw is destroyed, and the next item follows") {
        std::vector<pollux::test::manual_stream<int>> inner(2);
        auto flat = pollux::iter({0, 1}) |
                    pollux::flat_map([&inner](int n) { return inner[static_cast<std::size_t>(n)].stream(); });
        inner[0].throw_next(std::runtime_error("no"));
        inner[1].give(1);
        CHECK_THROWS_AS(poll_once(flat), std::runtime_error);
        CHECK_FALSE(inner[0].is_alive());
        CHECK(assert_ready(poll_once(flat)) == 1);
    }

    TEST_CASE("flat_map: a drop destroys the stream in flight, then the source, then the function") {
        std::vector<std::string> log;
        {
            auto source =
                pollux::poll_stream_fn([kept = pollux::test::mark(log, "source")](
                                           pollux::context&) -> pollux::polled<std::optional<int>> { return 1; });
            auto flat = pollux::flat_map(std::move(source), [&log, kept = pollux::test::mark(log, "function")](int) {
                return pollux::poll_stream_fn(
                    [inner = pollux::test::mark(log, "inner")](pollux::context&) -> pollux::polled<std::optional<int>> {
                        return pollux::pending;
                    });
            });
            assert_pending(poll_once(flat));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"inner", "source", "function"});
    }

    TEST_CASE("flat_map: empty streams without end yield when the budget of the poll is spent") {
        int calls = 0;
        auto flat = pollux::repeat(1) | pollux::flat_map([&calls](int) {
                        ++calls;
                        return pollux::empty_stream<int>();
                    });
        pollux::testing::counting_waker waker;
        assert_pending(
            pollux::test::with_budget(3, waker.waker(), [&](pollux::context& cx) { return flat.poll_next(cx); }));
        CHECK(calls == 4);
        CHECK(waker.count() == 1);
    }

    TEST_CASE("flat_map: allocates nothing, and is refused with a message when it is moved in flight") {
        const pollux::test::allocation_counter allocations;
        const auto untouched = pollux::repeat(2) | pollux::flat_map(copies);
        auto flat = untouched;
        CHECK(assert_ready(poll_once(flat)) == 2);
        CHECK(allocations.count() == 0);
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(flat); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}
