// SPDX-License-Identifier: MIT
#include "pollux/stream/zip.hpp"

#include <doctest/doctest.h>

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
#include "support/manual_future.hpp"
#include "support/manual_stream.hpp"

namespace {

using pollux::test::drain;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/zip") {
    TEST_CASE("zip: gives pairs until either ends, in both forms") {
        auto piped = pollux::iter({1, 2, 3}) | pollux::zip(pollux::iter(std::vector<std::string>{"a", "b"}));
        using pairs = std::vector<std::pair<int, std::string>>;
        static_assert(std::is_same_v<decltype(piped)::value_type, pairs::value_type>);
        CHECK(drain(piped) == pairs{{1, "a"}, {2, "b"}});
        const auto second = pollux::iter({5, 6});
        auto called = pollux::zip(pollux::iter({4}), second);
        CHECK(drain(called) == std::vector<std::pair<int, int>>{{4, 5}});
    }

    TEST_CASE("zip: waits for both at the same time, and an item waits for its partner") {
        pollux::test::manual_stream<std::unique_ptr<int>> left;
        pollux::test::manual_stream<int> right;
        auto pairs = left.stream() | pollux::zip(right.stream());
        CHECK(left.polls() + right.polls() == 0);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(pairs.poll_next(cx));
        CHECK(left.polls() == 1);
        CHECK(right.polls() == 1);
        right.give(2);
        CHECK(waker.count() == 1);
        assert_pending(pairs.poll_next(cx));
        assert_pending(pairs.poll_next(cx));
        CHECK(left.polls() == 3);
        CHECK(right.polls() == 2);
        left.give(std::make_unique<int>(1));
        CHECK(waker.count() == 2);
        const auto pair = assert_ready(pairs.poll_next(cx));
        REQUIRE(pair.has_value());
        CHECK(*pair->first == 1);
        CHECK(pair->second == 2);
        assert_pending(pairs.poll_next(cx));
        CHECK(right.polls() == 3);
    }

    TEST_CASE("zip: the end of either is the end for ever, and drops the item that waited") {
        std::vector<std::string> log;
        pollux::test::manual_stream<int> right;
        auto left =
            pollux::poll_stream_fn([&log](pollux::context&) -> pollux::polled<std::optional<pollux::test::mark>> {
                return pollux::test::mark(log, "item");
            });
        auto pairs = pollux::zip(std::move(left), right.stream());
        assert_pending(poll_once(pairs));
        CHECK(log.empty());
        right.end();
        CHECK_FALSE(assert_ready(poll_once(pairs)).has_value());
        CHECK(log == std::vector<std::string>{"item"});
        CHECK_FALSE(assert_ready(poll_once(pairs)).has_value());
        CHECK(right.polls() == 2);
        CHECK(right.is_alive());
    }

    TEST_CASE("zip: does not poll the second once the first has ended") {
        pollux::test::manual_stream<int> left;
        pollux::test::manual_stream<int> right;
        left.end();
        right.give(1);
        auto pairs = pollux::zip(left.stream(), right.stream());
        CHECK_FALSE(assert_ready(poll_once(pairs)).has_value());
        CHECK_FALSE(assert_ready(poll_once(pairs)).has_value());
        CHECK(left.polls() == 1);
        CHECK(right.polls() == 0);
    }

    TEST_CASE("zip: an error of either is handed on, and an item that waits for its partner waits on") {
        pollux::test::manual_stream<int> left;
        pollux::test::manual_stream<int, std::string> right;
        auto pairs = pollux::zip(left.stream(), right.stream());
        static_assert(std::is_same_v<decltype(pairs)::error_type, std::string>);
        left.give(1);
        right.fail("e");
        right.throw_next(std::runtime_error("no"));
        right.give(2);
        CHECK(assert_ready(poll_once(pairs)).error() == "e");
        CHECK_THROWS_AS(poll_once(pairs), std::runtime_error);
        CHECK(assert_ready(poll_once(pairs)).value() == std::pair(1, 2));
        CHECK(left.polls() == 1);
    }

    TEST_CASE("zip: a drop drops the item that waits, before its source") {
        std::vector<std::string> log;
        {
            auto left =
                pollux::poll_stream_fn([&log, kept = pollux::test::mark(log, "source")](
                                           pollux::context&) -> pollux::polled<std::optional<pollux::test::mark>> {
                    return pollux::test::mark(log, "item");
                });
            pollux::test::manual_stream<int> right;
            auto pairs = pollux::zip(std::move(left), right.stream());
            assert_pending(poll_once(pairs));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"item", "source"});
    }

    TEST_CASE("zip: allocates nothing, and is refused with a message when it is moved while an item waits") {
        const pollux::test::allocation_counter allocations;
        auto left = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<std::unique_ptr<int>>> { return nullptr; });
        auto right = pollux::poll_stream_fn(
            [](pollux::context&) -> pollux::polled<std::optional<int>> { return pollux::pending; });
        const auto pairs = pollux::zip(left, right);
        auto copy = pairs;
        assert_pending(poll_once(copy));
        CHECK(allocations.count() == 0);
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(copy); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}
