// SPDX-License-Identifier: MIT
#include "pollux/stream/skip_while.hpp"

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
#include "pollux/future/ready.hpp"
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

bool is_small(int n) { return n < 3; }

}  // namespace

TEST_SUITE("stream/skip_while") {
    TEST_CASE("skip_while: a predicate whose future can only fail gives an error for each item") {
        auto source = pollux::iter({1, 2}) | pollux::skip_while([](int) { return pollux::fail(std::string("no")); });
        static_assert(std::is_same_v<decltype(source)::value_type, int>);
        CHECK(assert_ready(poll_once(source)).error() == "no");
        CHECK(assert_ready(poll_once(source)).error() == "no");
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("skip_while: gives the items from the first that is refused on, in both forms") {
        auto piped = pollux::iter({1, 2, 3, 1}) | pollux::skip_while(is_small);
        static_assert(std::is_same_v<decltype(piped)::value_type, int>);
        CHECK(drain(piped) == std::vector{3, 1});
        auto called = pollux::skip_while(pollux::iter({1, 2}), is_small);
        CHECK(drain(called).empty());
    }

    TEST_CASE("skip_while: asks about no item after the first that is refused") {
        pollux::test::manual_stream<int> source;
        int calls = 0;
        auto rest = source.stream() | pollux::skip_while([&calls](int n) {
                        ++calls;
                        return n < 3;
                    });
        for (const int n : {1, 3, 2}) source.give(n);
        CHECK(source.polls() == 0);
        CHECK(assert_ready(poll_once(rest)) == 3);
        CHECK(calls == 2);
        CHECK(assert_ready(poll_once(rest)) == 2);
        CHECK(calls == 2);
    }

    TEST_CASE("skip_while: errors and pending pass, before and after the first item") {
        pollux::test::manual_stream<int, std::string> source;
        auto rest = source.stream() | pollux::skip_while(is_small);
        assert_pending(poll_once(rest));
        source.give(1);
        source.fail("e");
        source.give(3);
        source.fail("f");
        source.end();
        CHECK(assert_ready(poll_once(rest)).error() == "e");
        CHECK(assert_ready(poll_once(rest)).value() == 3);
        CHECK(assert_ready(poll_once(rest)).error() == "f");
        CHECK_FALSE(assert_ready(poll_once(rest)).value().has_value());
    }

    TEST_CASE("skip_while: an item waits in place for its verdict") {
        pollux::test::manual_stream<std::unique_ptr<int>> source;
        std::vector<pollux::test::manual<bool>> gates(2);
        std::size_t calls = 0;
        auto rest =
            source.stream() | pollux::skip_while([&](const std::unique_ptr<int>&) { return gates[calls++].future(); });
        for (const int n : {0, 1, 2}) source.give(std::make_unique<int>(n));
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(rest.poll_next(cx));
        CHECK(calls == 1);
        gates[0].complete(true);
        CHECK(waker.count() == 1);
        assert_pending(rest.poll_next(cx));
        CHECK(calls == 2);
        CHECK_FALSE(gates[0].is_alive());
        gates[1].complete(false);
        CHECK(**assert_ready(rest.poll_next(cx)) == 1);
        CHECK_FALSE(gates[1].is_alive());
        CHECK(**assert_ready(rest.poll_next(cx)) == 2);
        CHECK(calls == 2);
    }

    TEST_CASE("skip_while: an error of the verdict drops its item, and the next is asked about") {
        auto rest = pollux::iter({1, 2, 3}) | pollux::skip_while([](int n) -> std::expected<bool, std::string> {
                        if (n == 1) return std::unexpected("one");
                        return n == 2;
                    });
        CHECK(assert_ready(poll_once(rest)).error() == "one");
        CHECK(assert_ready(poll_once(rest)).value() == 3);
        CHECK_FALSE(assert_ready(poll_once(rest)).value().has_value());
    }

    TEST_CASE("skip_while: an exception of the predicate or of its future loses that item, and the next follows") {
        std::vector<pollux::test::manual<bool>> gates(3);
        auto rest = pollux::iter({0, 1, 2}) | pollux::skip_while([&gates](int n) {
                        if (n == 0) throw std::logic_error("zero");
                        return gates[static_cast<std::size_t>(n)].future();
                    });
        gates[1].complete_by_throwing(std::runtime_error("one"));
        gates[2].complete(false);
        CHECK_THROWS_AS(poll_once(rest), std::logic_error);
        CHECK_THROWS_AS(poll_once(rest), std::runtime_error);
        CHECK_FALSE(gates[1].is_alive());
        CHECK(assert_ready(poll_once(rest)) == 2);
    }

    TEST_CASE("skip_while: a drop destroys the future before the source and the predicate") {
        std::vector<std::string> log;
        {
            auto source =
                pollux::poll_stream_fn([kept = pollux::test::mark(log, "source")](
                                           pollux::context&) -> pollux::polled<std::optional<int>> { return 1; });
            auto rest = pollux::skip_while(std::move(source), [&log, kept = pollux::test::mark(log, "predicate")](int) {
                return pollux::test::marked_future(pollux::test::mark(log, "future"), 1000, 1);
            });
            assert_pending(poll_once(rest));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "source", "predicate"});
    }

    TEST_CASE("skip_while: a source without end of skipped items yields when the budget of the poll is spent") {
        int taken = 0;
        auto rest = pollux::poll_stream_fn([&taken](pollux::context&) {
                        ++taken;
                        return pollux::polled<std::optional<int>>(taken);
                    }) |
                    pollux::skip_while([](int n) { return n < 5; });
        pollux::testing::counting_waker waker;
        assert_pending(
            pollux::test::with_budget(3, waker.waker(), [&](pollux::context& cx) { return rest.poll_next(cx); }));
        CHECK(taken == 4);
        CHECK(waker.count() == 1);
        CHECK(assert_ready(poll_once(rest)) == 5);
        CHECK(assert_ready(poll_once(rest)) == 6);
    }

    TEST_CASE("skip_while: allocates nothing, and is refused with a message when it is moved in flight") {
        const pollux::test::allocation_counter allocations;
        auto source = pollux::poll_stream_fn([](pollux::context&) -> pollux::polled<std::optional<int>> { return 1; });
        auto rest = source | pollux::skip_while([](int) { return pollux::never_ready<bool>(); });
        assert_pending(poll_once(rest));
        CHECK(allocations.count() == 0);
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(rest); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}
