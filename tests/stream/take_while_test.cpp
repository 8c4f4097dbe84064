// SPDX-License-Identifier: MIT
#include "pollux/stream/take_while.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/ready.hpp"
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

bool is_small(int n) { return n < 3; }

}  // namespace

TEST_SUITE("stream/take_while") {
    TEST_CASE("take_while: a predicate whose future can only fail gives an error for each item") {
        auto source = pollux::iter({1, 2}) | pollux::take_while([](int) { return pollux::fail(std::string("no")); });
        static_assert(std::is_same_v<decltype(source)::value_type, int>);
        CHECK(assert_ready(poll_once(source)).error() == "no");
        CHECK(assert_ready(poll_once(source)).error() == "no");
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("take_while: gives the items before the first that is refused, in both forms") {
        auto piped = pollux::iter({1, 2, 3, 1}) | pollux::take_while(is_small);
        static_assert(std::is_same_v<decltype(piped)::value_type, int>);
        CHECK(drain(piped) == std::vector{1, 2});
        auto called = pollux::take_while(pollux::iter({1, 2}), is_small);
        CHECK(drain(called) == std::vector{1, 2});
    }

    TEST_CASE("take_while: the first refused item is lost, and it is at its end for ever without another poll") {
        pollux::test::manual_stream<int> source;
        for (const int n : {1, 3, 2}) source.give(n);
        auto lent = source.stream();
        auto small = pollux::by_ref(lent) | pollux::take_while(is_small);
        CHECK(source.polls() == 0);
        CHECK(assert_ready(poll_once(small)) == 1);
        CHECK_FALSE(assert_ready(poll_once(small)).has_value());
        CHECK_FALSE(assert_ready(poll_once(small)).has_value());
        CHECK(source.polls() == 2);
        CHECK(assert_ready(poll_once(lent)) == 2);
    }

    TEST_CASE("take_while: errors and pending pass, and neither ends the stream") {
        pollux::test::manual_stream<int, std::string> source;
        auto small = source.stream() | pollux::take_while(is_small);
        assert_pending(poll_once(small));
        source.fail("e");
        source.give(2);
        source.end();
        CHECK(assert_ready(poll_once(small)).error() == "e");
        CHECK(assert_ready(poll_once(small)).value() == 2);
        CHECK_FALSE(assert_ready(poll_once(small)).value().has_value());
    }

    TEST_CASE("take_while: an item waits in place for its verdict, and a late no ends the stream") {
        pollux::test::manual_stream<std::unique_ptr<int>> source;
        std::vector<pollux::test::manual<bool>> gates(2);
        auto taken = source.stream() | pollux::take_while([&gates](const std::unique_ptr<int>& item) {
                         return gates[static_cast<std::size_t>(*item)].future();
                     });
        source.give(std::make_unique<int>(0));
        source.give(std::make_unique<int>(1));
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(taken.poll_next(cx));
        CHECK(source.polls() == 1);
        gates[0].complete(true);
        CHECK(waker.count() == 1);
        CHECK(**assert_ready(taken.poll_next(cx)) == 0);
        CHECK_FALSE(gates[0].is_alive());
        assert_pending(taken.poll_next(cx));
        gates[1].complete(false);
        CHECK_FALSE(assert_ready(taken.poll_next(cx)).has_value());
        CHECK_FALSE(gates[1].is_alive());
        CHECK_FALSE(assert_ready(taken.poll_next(cx)).has_value());
        CHECK(source.polls() == 2);
    }

    TEST_CASE("take_while: an error of the verdict drops its item and does not end the stream") {
        auto taken = pollux::iter({1, 2, 3}) | pollux::take_while([](int n) -> std::expected<bool, std::string> {
                         if (n == 1) return std::unexpected("one");
                         return n == 2;
                     });
        CHECK(assert_ready(poll_once(taken)).error() == "one");
        CHECK(assert_ready(poll_once(taken)).value() == 2);
        CHECK_FALSE(assert_ready(poll_once(taken)).value().has_value());
    }

    TEST_CASE("take_while: an exception of the predicate or of its future loses that item, and the next follows") {
        std::vector<pollux::test::manual<bool>> gates(3);
        auto taken = pollux::iter({0, 1, 2}) | pollux::take_while([&gates](int n) {
                         if (n == 0) throw std::logic_error("zero");
                         return gates[static_cast<std::size_t>(n)].future();
                     });
        gates[1].complete_by_throwing(std::runtime_error("one"));
        gates[2].complete(true);
        CHECK_THROWS_AS(poll_once(taken), std::logic_error);
        CHECK_THROWS_AS(poll_once(taken), std::runtime_error);
        CHECK_FALSE(gates[1].is_alive());
        CHECK(assert_ready(poll_once(taken)) == 2);
    }

    TEST_CASE("take_while: a drop destroys the future before the source and the predicate") {
        std::vector<std::string> log;
        {
            auto source =
                pollux::poll_stream_fn([kept = pollux::test::mark(log, "source")](
                                           pollux::context&) -> pollux::polled<std::optional<int>> { return 1; });
            auto taken =
                pollux::take_while(std::move(source), [&log, kept = pollux::test::mark(log, "predicate")](int) {
                    return pollux::test::marked_future(pollux::test::mark(log, "future"), 1000, 1);
                });
            assert_pending(poll_once(taken));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "source", "predicate"});
    }

    TEST_CASE("take_while: allocates nothing") {
        auto source = pollux::iter({1, 3});
        const pollux::test::allocation_counter allocations;
        auto taken = std::move(source) | pollux::take_while([](int n) { return pollux::ready(n < 3); });
        CHECK(assert_ready(poll_once(taken)) == 1);
        CHECK_FALSE(assert_ready(poll_once(taken)).has_value());
        CHECK(allocations.count() == 0);
    }

    TEST_CASE("take_while: is refused with a message when it is moved in flight") {
        auto source = pollux::poll_stream_fn([](pollux::context&) -> pollux::polled<std::optional<int>> { return 1; });
        auto taken = source | pollux::take_while([](int) { return pollux::never_ready<bool>(); });
        assert_pending(poll_once(taken));
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(taken); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}
