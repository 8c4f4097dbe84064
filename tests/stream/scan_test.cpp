// SPDX-License-Identifier: MIT
#include "pollux/stream/scan.hpp"

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
#include "pollux/future/map.hpp"
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

std::optional<int> running_sum(int& sum, int n) {
    sum += n;
    if (sum > 5) return std::nullopt;
    return sum;
}

}  // namespace

TEST_SUITE("stream/scan") {
    TEST_CASE("scan: keeps a state from item to item, in both forms") {
        auto piped = pollux::iter({1, 2, 1}) | pollux::scan(0, running_sum);
        static_assert(std::is_same_v<decltype(piped)::value_type, int>);
        CHECK(drain(piped) == std::vector{1, 3, 4});
        auto called = pollux::scan(pollux::iter({1, 2}), std::string("x"), [](std::string& text, int n) {
            text += std::to_string(n);
            return std::optional(text);
        });
        CHECK(drain(called) == std::vector<std::string>{"x1", "x12"});
    }

    TEST_CASE("scan: nullopt ends it for ever, without another poll of the source") {
        pollux::test::manual_stream<int> source;
        auto sums = source.stream() | pollux::scan(0, running_sum);
        for (const int n : {3, 4, -5}) source.give(n);
        CHECK(source.polls() == 0);
        CHECK(assert_ready(poll_once(sums)) == 3);
        CHECK_FALSE(assert_ready(poll_once(sums)).has_value());
        CHECK_FALSE(assert_ready(poll_once(sums)).has_value());
        CHECK(source.polls() == 2);
        CHECK(source.is_alive());
    }

    TEST_CASE("scan: moves items in and keeps a state that cannot be copied; errors and pending pass") {
        pollux::test::manual_stream<std::unique_ptr<int>, std::string> source;
        auto sums = source.stream() | pollux::scan(std::make_unique<int>(10), [](std::unique_ptr<int>& sum, auto item) {
                        *sum += *item;
                        *item = *sum;
                        return std::optional(std::move(item));
                    });
        assert_pending(poll_once(sums));
        source.give(std::make_unique<int>(1));
        source.fail("e");
        source.give(std::make_unique<int>(2));
        source.end();
        CHECK(**assert_ready(poll_once(sums)).value() == 11);
        CHECK(assert_ready(poll_once(sums)).error() == "e");
        CHECK(**assert_ready(poll_once(sums)).value() == 13);
        CHECK_FALSE(assert_ready(poll_once(sums)).value().has_value());
    }

    TEST_CASE("scan: waits for a future, which may refer to the state") {
        pollux::test::manual_stream<int> source;
        std::vector<pollux::test::manual<int>> gates(2);
        auto sums = source.stream() | pollux::scan(0, [&gates](int& sum, int n) {
                        return gates[static_cast<std::size_t>(n)].future() |
                               pollux::map([&sum](int m) { return running_sum(sum, m); });
                    });
        source.give(0);
        source.give(1);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(sums.poll_next(cx));
        CHECK(source.polls() == 1);
        gates[0].complete(4);
        CHECK(waker.count() == 1);
        CHECK(assert_ready(sums.poll_next(cx)) == 4);
        CHECK_FALSE(gates[0].is_alive());
        assert_pending(sums.poll_next(cx));
        gates[1].complete(2);
        CHECK_FALSE(assert_ready(sums.poll_next(cx)).has_value());
        CHECK_FALSE(assert_ready(sums.poll_next(cx)).has_value());
        CHECK(source.polls() == 2);
    }

    TEST_CASE("scan: an error of what was returned is one error, and meets never") {
        auto sums = pollux::iter({1, 2, 3}) |
                    pollux::scan(0, [](int& sum, int n) -> std::expected<std::optional<int>, std::string> {
                        if (n == 2) return std::unexpected("two");
                        return sum += n;
                    });
        static_assert(std::is_same_v<decltype(sums)::error_type, std::string>);
        CHECK(assert_ready(poll_once(sums)).value() == 1);
        CHECK(assert_ready(poll_once(sums)).error() == "two");
        CHECK(assert_ready(poll_once(sums)).value() == 4);
        CHECK_FALSE(assert_ready(poll_once(sums)).value().has_value());
    }

    TEST_CASE("scan: an exception of the function or of its future loses that item and keeps the state") {
        auto plain = pollux::iter({1, 2, 3}) | pollux::scan(0, [](int& sum, int n) {
                         sum += n;
                         if (n == 2) throw std::runtime_error("two");
                         return std::optional(sum);
                     });
        CHECK(assert_ready(poll_once(plain)) == 1);
        CHECK_THROWS_AS(poll_once(plain), std::runtime_error);
        CHECK(assert_ready(poll_once(plain)) == 6);

        std::vector<pollux::test::manual<std::optional<int>>> gates(2);
        auto later = pollux::iter({0, 1}) |
                     pollux::scan(0, [&gates](int&, int n) { return gates[static_cast<std::size_t>(n)].future(); });
        gates[0].complete_by_throwing(std::runtime_error("zero"));
        gates[1].complete(std::optional(1));
        CHECK_THROWS_AS(poll_once(later), std::runtime_error);
        CHECK_FALSE(gates[0].is_alive());
        CHECK(assert_ready(poll_once(later)) == 1);
    }

    TEST_CASE("scan: a drop destroys the future, then the state, the source and the function") {
        std::vector<std::string> log;
        {
            auto source =
                pollux::poll_stream_fn([kept = pollux::test::mark(log, "source")](
                                           pollux::context&) -> pollux::polled<std::optional<int>> { return 1; });
            auto sums =
                pollux::scan(std::move(source), pollux::test::mark(log, "state"),
                             [&log, kept = pollux::test::mark(log, "function")](pollux::test::mark&, int) {
                                 return pollux::test::marked_future(pollux::test::mark(log, "future"), 1000, 1) |
                                        pollux::map([](int n) { return std::optional(n); });
                             });
            assert_pending(poll_once(sums));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "state", "source", "function"});
    }

    TEST_CASE("scan: allocates nothing, and is refused with a message when it is moved in flight") {
        const pollux::test::allocation_counter allocations;
        auto source = pollux::poll_stream_fn([](pollux::context&) -> pollux::polled<std::optional<int>> { return 1; });
        auto sums = source | pollux::scan(0, [](int&, int) { return pollux::never_ready<std::optional<int>>(); });
        auto moved = std::move(sums);
        assert_pending(poll_once(moved));
        CHECK(allocations.count() == 0);
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(moved); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}
