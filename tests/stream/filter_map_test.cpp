// SPDX-License-Identifier: MIT
#include "pollux/stream/filter_map.hpp"

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
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"
#include "support/manual_stream.hpp"

namespace {

using pollux::test::drain;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

std::optional<std::string> name_of_even(int n) {
    if (n % 2 != 0) return std::nullopt;
    return std::to_string(n);
}

}  // namespace

TEST_SUITE("stream/filter_map") {
    TEST_CASE("filter_map: gives what the function makes of the items, where it makes something, in both forms") {
        auto piped = pollux::iter({1, 2, 3, 4}) | pollux::filter_map(name_of_even);
        static_assert(std::is_same_v<decltype(piped)::value_type, std::string>);
        static_assert(std::is_same_v<decltype(piped)::error_type, pollux::never>);
        CHECK(drain(piped) == std::vector<std::string>{"2", "4"});
        auto called = pollux::filter_map(pollux::iter({5, 6}), name_of_even);
        CHECK(drain(called) == std::vector<std::string>{"6"});
    }

    TEST_CASE("filter_map: moves the item in, and errors and pending pass") {
        pollux::test::manual_stream<std::unique_ptr<int>, std::string> source;
        int calls = 0;
        auto made = source.stream() | pollux::filter_map([&calls](std::unique_ptr<int> item) {
                        ++calls;
                        return *item == 1 ? std::nullopt : std::optional(std::move(item));
                    });
        CHECK(source.polls() == 0);
        assert_pending(poll_once(made));
        source.give(std::make_unique<int>(1));
        source.fail("e");
        source.give(std::make_unique<int>(2));
        source.end();
        CHECK(assert_ready(poll_once(made)).error() == "e");
        CHECK(calls == 1);
        CHECK(**assert_ready(poll_once(made)).value() == 2);
        CHECK_FALSE(assert_ready(poll_once(made)).value().has_value());
    }

    TEST_CASE("filter_map: waits for a future, one at a time") {
        pollux::test::manual_stream<int> source;
        std::vector<pollux::test::manual<int>> gates(3);
        auto made = source.stream() | pollux::filter_map([&gates](int n) {
                        return gates[static_cast<std::size_t>(n)].future() |
                               pollux::map([](int m) { return m == 0 ? std::nullopt : std::optional(m); });
                    });
        source.give(0);
        source.give(1);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(made.poll_next(cx));
        CHECK(source.polls() == 1);
        gates[0].complete(0);
        CHECK(waker.count() == 1);
        assert_pending(made.poll_next(cx));
        CHECK_FALSE(gates[0].is_alive());
        CHECK(source.polls() == 2);
        gates[1].complete(5);
        CHECK(waker.count() == 2);
        CHECK(assert_ready(made.poll_next(cx)) == 5);
        CHECK_FALSE(gates[1].is_alive());
    }

    TEST_CASE("filter_map: an error of what was returned is one error, and meets never") {
        auto made =
            pollux::iter({1, 2, 3}) | pollux::filter_map([](int n) -> std::expected<std::optional<int>, std::string> {
                if (n == 2) return std::unexpected("two");
                return n;
            });
        static_assert(std::is_same_v<decltype(made)::value_type, int>);
        CHECK(assert_ready(poll_once(made)).value() == 1);
        CHECK(assert_ready(poll_once(made)).error() == "two");
        CHECK(assert_ready(poll_once(made)).value() == 3);
        CHECK_FALSE(assert_ready(poll_once(made)).value().has_value());
    }

    TEST_CASE("filter_map: an exception of the function or of its future loses that item, and the next follows") {
        auto plain = pollux::iter({1, 2}) | pollux::filter_map([](int n) {
                         if (n == 1) throw std::runtime_error("one");
                         return std::optional(n);
                     });
        CHECK_THROWS_AS(poll_once(plain), std::runtime_error);
        CHECK(assert_ready(poll_once(plain)) == 2);

        std::vector<pollux::test::manual<std::optional<int>>> gates(2);
        auto later = pollux::iter({0, 1}) |
                     pollux::filter_map([&gates](int n) { return gates[static_cast<std::size_t>(n)].future(); });
        gates[0].complete_by_throwing(std::runtime_error("zero"));
        gates[1].complete(std::optional(1));
        CHECK_THROWS_AS(poll_once(later), std::runtime_error);
        CHECK_FALSE(gates[0].is_alive());
        CHECK(assert_ready(poll_once(later)) == 1);
    }

    TEST_CASE("filter_map: a drop destroys the future, then the source, then the function") {
        std::vector<std::string> log;
        {
            auto source =
                pollux::poll_stream_fn([kept = pollux::test::mark(log, "source")](
                                           pollux::context&) -> pollux::polled<std::optional<int>> { return 1; });
            auto made = pollux::filter_map(std::move(source), [&log, kept = pollux::test::mark(log, "function")](int) {
                return pollux::test::marked_future(pollux::test::mark(log, "future"), 1000, 1) |
                       pollux::map([](int n) { return std::optional(n); });
            });
            assert_pending(poll_once(made));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "source", "function"});
    }

    TEST_CASE("filter_map: a source without end of items left out yields when the budget of the poll is spent") {
        int taken = 0;
        auto endless = [&taken] {
            return pollux::poll_stream_fn([&taken](pollux::context&) {
                ++taken;
                return pollux::polled<std::optional<int>>(taken);
            });
        };
        const auto late = [](int n) { return n > 4 ? std::optional(n) : std::nullopt; };
        pollux::testing::counting_waker waker;
        auto plain = endless() | pollux::filter_map(late);
        assert_pending(
            pollux::test::with_budget(3, waker.waker(), [&](pollux::context& cx) { return plain.poll_next(cx); }));
        CHECK(taken == 4);
        CHECK(waker.count() == 1);
        CHECK(assert_ready(poll_once(plain)) == 5);

        taken = 0;
        auto later = endless() | pollux::filter_map([late](int n) { return pollux::ready(late(n)); });
        assert_pending(
            pollux::test::with_budget(3, waker.waker(), [&](pollux::context& cx) { return later.poll_next(cx); }));
        CHECK(taken == 4);
        CHECK(waker.count() == 2);
        CHECK(assert_ready(poll_once(later)) == 5);
    }

    TEST_CASE("filter_map: a function that answers at once costs no place for a future, and nothing allocates") {
        auto source = pollux::iter({1, 2});
        const auto keep = [](int n) { return std::optional(n); };
        static_assert(sizeof(pollux::filter_map(source, keep)) == sizeof(source));
        const pollux::test::allocation_counter allocations;
        auto made = pollux::filter_map(std::move(source), keep);
        CHECK(assert_ready(poll_once(made)) == 1);
        CHECK(allocations.count() == 0);
    }

    TEST_CASE("filter_map: may be moved before its first poll, and is refused with a message in flight") {
        auto source = pollux::poll_stream_fn([](pollux::context&) -> pollux::polled<std::optional<int>> { return 1; });
        auto made = source | pollux::filter_map([](int) { return pollux::never_ready<std::optional<int>>(); });
        auto moved = std::move(made);
        assert_pending(poll_once(moved));
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(moved); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}
