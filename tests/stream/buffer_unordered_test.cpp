// SPDX-License-Identifier: MIT
#include "pollux/stream/buffer_unordered.hpp"

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
#include "pollux/future/boxed.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/map.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "support/drain.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using job = pollux::test::manual<int, std::string>;

// The futures of some jobs as a stream that is always ready.
auto futures_of(std::vector<job>& jobs) {
    std::vector<job::future_type> futures;
    for (auto& each : jobs) futures.push_back(each.future());
    return pollux::iter(std::move(futures));
}

}  // namespace

TEST_SUITE("stream/buffer_unordered") {
    TEST_CASE("buffer_unordered: results come as the futures finish") {
        std::vector<job> jobs(3);
        auto source = pollux::buffer_unordered(futures_of(jobs), 3);
        static_assert(std::is_same_v<decltype(source)::value_type, int>);
        static_assert(std::is_same_v<decltype(source)::error_type, std::string>);
        CHECK(jobs[0].polls() == 0);
        assert_pending(poll_once(source));
        CHECK(jobs[2].polls() == 1);
        jobs[2].complete(2);
        jobs[1].complete(std::unexpected("one"));
        CHECK(assert_ready(poll_once(source)).value() == 2);
        CHECK(assert_ready(poll_once(source)).error() == "one");
        assert_pending(poll_once(source));
        jobs[0].complete(0);
        CHECK(assert_ready(poll_once(source)).value() == 0);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("buffer_unordered: keeps n in flight, and takes the next when one has finished") {
        std::vector<job> jobs(4);
        auto source = futures_of(jobs) | pollux::buffer_unordered(2);
        assert_pending(poll_once(source));
        CHECK(jobs[1].polls() == 1);
        CHECK(jobs[2].polls() == 0);
        jobs[1].complete(1);
        CHECK(assert_ready(poll_once(source)).value() == 1);
        assert_pending(poll_once(source));
        CHECK(jobs[2].polls() == 1);
        CHECK(jobs[3].polls() == 0);
        CHECK(jobs[0].polls() == 1);  // nobody has woken it
    }

    TEST_CASE("buffer_unordered: n may be any number; what is not in flight takes no memory") {
        std::vector<job> jobs(2);
        auto source = pollux::buffer_unordered(futures_of(jobs), static_cast<std::size_t>(-1));
        assert_pending(poll_once(source));
        jobs[1].complete(1);
        CHECK(assert_ready(poll_once(source)).value() == 1);
    }

    TEST_CASE("buffer_unordered: a wake-up polls only the future that was woken") {
        std::vector<job> jobs(100);
        auto source = pollux::buffer_unordered(futures_of(jobs), 100);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(source.poll_next(cx));
        jobs[57].wake();
        CHECK(waker.count() == 1);
        assert_pending(source.poll_next(cx));
        int polls = 0;
        for (auto& each : jobs) polls += each.polls();
        CHECK(polls == 101);
    }

    TEST_CASE("buffer_unordered: an error of the source comes at once and ends nothing") {
        int polls = 0;
        std::vector<job> jobs(1);
        auto futures = pollux::poll_stream_fn(
            [&](pollux::context&) -> pollux::polled<std::optional<job::future_type>, std::string> {
                ++polls;
                if (polls == 1) return std::optional(jobs[0].future());
                if (polls == 2) return std::unexpected("source");
                return std::nullopt;
            });
        auto source = pollux::buffer_unordered(std::move(futures), 4);
        CHECK(assert_ready(poll_once(source)).error() == "source");
        assert_pending(poll_once(source));
        jobs[0].complete(3);
        CHECK(assert_ready(poll_once(source)).value() == 3);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("buffer_unordered: a pending source wakes it, and a future in flight is polled meanwhile") {
        pollux::waker of_source;
        std::optional<job::future_type> next;
        job first;
        next.emplace(first.future());
        auto source =
            pollux::poll_stream_fn([&](pollux::context& cx) -> pollux::polled<std::optional<job::future_type>> {
                of_source = cx.waker();
                if (!next.has_value()) return pollux::pending;
                std::optional<job::future_type> given(std::move(*next));
                next.reset();
                return given;
            }) |
            pollux::buffer_unordered(2);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(source.poll_next(cx));
        CHECK(first.polls() == 1);
        of_source.wake();
        CHECK(waker.count() == 1);
        first.complete(1);
        CHECK(waker.count() == 2);
        CHECK(assert_ready(source.poll_next(cx)).value() == 1);
    }

    TEST_CASE("buffer_unordered: a future of nothing gives unit, a value may be only movable") {
        auto nothings =
            pollux::iter({1, 2}) | pollux::map([](int) { return pollux::ready(); }) | pollux::buffer_unordered(1);
        static_assert(std::is_same_v<decltype(nothings)::value_type, pollux::unit>);
        CHECK(pollux::test::drain(nothings).size() == 2);
        auto movables = pollux::iter({1, 2}) |
                        pollux::map([](int n) { return pollux::ready(std::make_unique<int>(n)); }) |
                        pollux::buffer_unordered(2);
        CHECK(*pollux::test::drain(movables).at(1) == 2);
    }

    TEST_CASE("buffer_unordered: an exception of a future destroys the others, and the stream is at its end") {
        std::vector<job> jobs(3);
        auto source = pollux::buffer_unordered(futures_of(jobs), 2);
        assert_pending(poll_once(source));
        jobs[1].complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK_FALSE(jobs[0].is_alive());
        CHECK(jobs[2].polls() == 0);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("buffer_unordered: a drop destroys the futures in flight before the source") {
        std::vector<std::string> log;
        {
            auto source = pollux::iter({1, 2}) | pollux::map([&log, kept = pollux::test::mark(log, "closure")](int n) {
                              return pollux::test::marked_future(pollux::test::mark(log, "future"), 1000, n);
                          }) |
                          pollux::buffer_unordered(2);
            assert_pending(poll_once(source));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "future", "closure"});
    }

    TEST_CASE("buffer_unordered: a source without end yields when the budget of the poll is spent") {
        pollux::detail::poll_budget budget = pollux::test::budget_of(5);
        int taken = 0;
        auto source = pollux::poll_stream_fn([&taken](pollux::context&) {
                          ++taken;
                          return pollux::polled<std::optional<int>>(taken);
                      }) |
                      pollux::map([](int) { return pollux::never_ready<int>(); }) | pollux::buffer_unordered(1000);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker(), &budget);
        assert_pending(source.poll_next(cx));
        CHECK(taken == 5);
        CHECK(waker.count() != 0);
    }

    TEST_CASE("buffer_unordered: results that are always there are all given, whatever the budget") {
        std::vector<int> numbers(50, 1);
        auto source = pollux::iter(std::move(numbers)) | pollux::map([](int n) { return pollux::ready(n); }) |
                      pollux::buffer_unordered(7);
        int sum = 0;
        int yields = 0;
        for (bool is_over = false; !is_over;) {
            pollux::detail::poll_budget budget = pollux::test::budget_of(9);
            pollux::context cx(pollux::noop_waker(), &budget);
            for (;;) {
                auto item = source.poll_next(cx);
                if (item.is_pending()) {
                    ++yields;
                    break;
                }
                is_over = !item.value().has_value();
                if (is_over) break;
                sum += *item.value();
            }
        }
        CHECK(sum == 50);
        CHECK(yields >= 10);
    }

    TEST_CASE("buffer_unordered: zero is refused where it is written") {
        CHECK_THROWS_AS(static_cast<void>(pollux::buffer_unordered(0)), std::invalid_argument);
        std::vector<job> jobs(1);
        CHECK_THROWS_AS(static_cast<void>(pollux::buffer_unordered(futures_of(jobs), 0)), std::invalid_argument);
    }

    TEST_CASE("buffer_unordered: may be moved before its first poll, and is refused with a message after it") {
        std::vector<job> jobs(1);
        auto source = pollux::buffer_unordered(futures_of(jobs), 1);
        auto moved = std::move(source);
        assert_pending(poll_once(moved));
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(moved); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}
