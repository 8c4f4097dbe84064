// SPDX-License-Identifier: MIT
#include "pollux/stream/filter.hpp"

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

#include "pollux/core/block_on.hpp"
#include "pollux/core/context.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/next.hpp"
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

bool is_even(int n) { return n % 2 == 0; }

pollux::task<bool> is_even_later(const int& n) {
    auto one_poll = pollux::poll_fn([is_first = true](pollux::context& cx) mutable -> pollux::polled<> {
        if (!std::exchange(is_first, false)) return pollux::polled<>::ready();
        cx.waker().wake();
        return pollux::pending;
    });
    co_await one_poll;
    co_return is_even(n);
}

template <class S>
pollux::task<std::vector<int>> items_of(S source) {
    std::vector<int> items;
    while (auto item = co_await pollux::next(source)) items.push_back(*item);
    co_return items;
}

}  // namespace

TEST_SUITE("stream/filter") {
    TEST_CASE("filter: a predicate whose future can only fail gives an error for each item") {
        auto source = pollux::iter({1, 2}) | pollux::filter([](int) { return pollux::fail(std::string("no")); });
        static_assert(std::is_same_v<decltype(source)::value_type, int>);
        CHECK(assert_ready(poll_once(source)).error() == "no");
        CHECK(assert_ready(poll_once(source)).error() == "no");
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("filter: gives the items that the predicate accepts, in both forms") {
        auto piped = pollux::iter({1, 2, 3, 4}) | pollux::filter(is_even);
        static_assert(std::is_same_v<decltype(piped)::value_type, int>);
        static_assert(std::is_same_v<decltype(piped)::error_type, pollux::never>);
        CHECK(drain(piped) == std::vector{2, 4});
        auto called = pollux::filter(pollux::iter(std::vector<std::string>{"", "a", ""}), &std::string::empty);
        CHECK(drain(called) == std::vector<std::string>{"", ""});
    }

    TEST_CASE("filter: calls and polls nothing before its first poll") {
        pollux::test::manual_stream<int> source;
        int calls = 0;
        auto filtered = source.stream() | pollux::filter([&calls](int) { return ++calls != 0; });
        CHECK(source.polls() == 0);
        source.give(1);
        CHECK(assert_ready(poll_once(filtered)) == 1);
        CHECK(source.polls() == 1);
        CHECK(calls == 1);
    }

    TEST_CASE("filter: errors and pending pass, and neither ends the stream") {
        pollux::test::manual_stream<int, std::string> source;
        auto filtered = source.stream() | pollux::filter(is_even);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(filtered.poll_next(cx));
        source.give(1);
        CHECK(waker.count() == 1);
        source.fail("e");
        source.give(2);
        source.end();
        CHECK(assert_ready(filtered.poll_next(cx)).error() == "e");
        CHECK(assert_ready(filtered.poll_next(cx)).value() == 2);
        CHECK_FALSE(assert_ready(filtered.poll_next(cx)).value().has_value());
    }

    TEST_CASE("filter: an item waits in place until the future of its verdict is ready") {
        pollux::test::manual_stream<std::unique_ptr<int>> source;
        std::vector<pollux::test::manual<int>> gates(2);
        std::size_t calls = 0;
        auto filtered = source.stream() | pollux::filter([&](const std::unique_ptr<int>& item) {
                            return gates[calls++].future() | pollux::map([&item](int n) { return *item == n; });
                        });
        source.give(std::make_unique<int>(1));
        source.give(std::make_unique<int>(2));
        assert_pending(poll_once(filtered));
        assert_pending(poll_once(filtered));
        CHECK(calls == 1);
        CHECK(source.polls() == 1);
        gates[0].complete(7);
        assert_pending(poll_once(filtered));
        CHECK(calls == 2);
        CHECK_FALSE(gates[0].is_alive());
        gates[1].complete(2);
        const auto accepted = assert_ready(poll_once(filtered));
        REQUIRE(accepted.has_value());
        CHECK(**accepted == 2);
        CHECK_FALSE(gates[1].is_alive());
    }

    TEST_CASE("filter: the predicate may be a coroutine that refers to the item and to what it captured") {
        auto with_function = pollux::iter({1, 2, 3, 4}) | pollux::filter(is_even_later);
        CHECK(pollux::block_on(items_of(std::move(with_function))) == std::vector{2, 4});
        auto with_closure = pollux::iter({1, 2, 3, 4}) |
                            pollux::filter([least = std::make_unique<int>(3)](const int& n) -> pollux::task<bool> {
                                const int twice = 2 * n;
                                const bool is_even = co_await is_even_later(twice);
                                co_return is_even&& n >= *least;
                            });
        CHECK(pollux::block_on(items_of(std::move(with_closure))) == std::vector{3, 4});
    }

    TEST_CASE("filter: an error of the verdict is one error, which drops its item and meets never") {
        auto filtered = pollux::iter({1, 2, 3}) | pollux::filter([](int n) -> std::expected<bool, std::string> {
                            if (n == 2) return std::unexpected("two");
                            return true;
                        });
        static_assert(std::is_same_v<decltype(filtered)::error_type, std::string>);
        CHECK(assert_ready(poll_once(filtered)).value() == 1);
        CHECK(assert_ready(poll_once(filtered)).error() == "two");
        CHECK(assert_ready(poll_once(filtered)).value() == 3);
        CHECK_FALSE(assert_ready(poll_once(filtered)).value().has_value());
    }

    TEST_CASE("filter: an exception of the predicate or of its future loses that item, and the next follows") {
        auto plain = pollux::iter({1, 2}) | pollux::filter([](int n) {
                         if (n == 1) throw std::runtime_error("one");
                         return true;
                     });
        CHECK_THROWS_AS(poll_once(plain), std::runtime_error);
        CHECK(assert_ready(poll_once(plain)) == 2);

        std::vector<pollux::test::manual<bool>> gates(2);
        auto later = pollux::iter({0, 1, 2}) | pollux::filter([&gates](int n) {
                         if (n == 2) throw std::logic_error("two");
                         return gates[static_cast<std::size_t>(n)].future();
                     });
        gates[0].complete_by_throwing(std::runtime_error("zero"));
        gates[1].complete(true);
        CHECK_THROWS_AS(poll_once(later), std::runtime_error);
        CHECK_FALSE(gates[0].is_alive());
        CHECK(assert_ready(poll_once(later)) == 1);
        CHECK_THROWS_AS(poll_once(later), std::logic_error);
        CHECK_FALSE(assert_ready(poll_once(later)).has_value());
    }

    TEST_CASE("filter: a drop destroys the future, its item, the source and the predicate, in this order") {
        std::vector<std::string> log;
        {
            auto source =
                pollux::poll_stream_fn([&log, kept = pollux::test::mark(log, "source")](
                                           pollux::context&) -> pollux::polled<std::optional<pollux::test::mark>> {
                    return pollux::test::mark(log, "item");
                });
            auto filtered = pollux::filter(
                std::move(source), [&log, kept = pollux::test::mark(log, "predicate")](const pollux::test::mark&) {
                    return pollux::test::marked_future(pollux::test::mark(log, "future"), 1000, 1);
                });
            assert_pending(poll_once(filtered));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "item", "source", "predicate"});
    }

    TEST_CASE("filter: a source without end of refused items yields when the budget of the poll is spent") {
        int taken = 0;
        auto endless = [&taken] {
            return pollux::poll_stream_fn([&taken](pollux::context&) {
                ++taken;
                return pollux::polled<std::optional<int>>(taken);
            });
        };
        pollux::testing::counting_waker waker;
        auto plain = endless() | pollux::filter([](int n) { return n > 4; });
        assert_pending(
            pollux::test::with_budget(3, waker.waker(), [&](pollux::context& cx) { return plain.poll_next(cx); }));
        CHECK(taken == 4);
        CHECK(waker.count() == 1);
        CHECK(assert_ready(poll_once(plain)) == 5);

        taken = 0;
        auto later = endless() | pollux::filter([](int n) { return pollux::ready(n > 4); });
        assert_pending(
            pollux::test::with_budget(3, waker.waker(), [&](pollux::context& cx) { return later.poll_next(cx); }));
        CHECK(taken == 4);
        CHECK(waker.count() == 2);
        CHECK(assert_ready(poll_once(later)) == 5);
    }

    TEST_CASE("filter: a predicate that answers at once costs no place for an item") {
        auto source = pollux::iter({1});
        const auto never = [](int) { return false; };
        static_assert(sizeof(pollux::filter(source, never)) == sizeof(source));
        static_assert(sizeof(pollux::filter(source, [](int) { return pollux::ready(true); })) > sizeof(source));
        const pollux::test::allocation_counter allocations;
        auto filtered = pollux::filter(std::move(source), never);
        CHECK_FALSE(assert_ready(poll_once(filtered)).has_value());
        CHECK(allocations.count() == 0);
    }

    TEST_CASE("filter: may be moved and copied before its first poll, and is refused with a message in flight") {
        auto of_move_only = [] {
            return pollux::poll_stream_fn([](pollux::context&) -> pollux::polled<std::optional<std::unique_ptr<int>>> {
                return std::make_unique<int>(1);
            });
        };
        const auto filtered = of_move_only() | pollux::filter([](const auto&) { return pollux::never_ready<bool>(); });
        auto copy = filtered;
        auto moved = std::move(copy);
        assert_pending(poll_once(moved));
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(moved); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}
