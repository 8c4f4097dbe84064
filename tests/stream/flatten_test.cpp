// SPDX-License-Identifier: MIT
#include "pollux/stream/flatten.hpp"

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
#include "pollux/stream/map.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"
#include "support/scripted_stream.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using inner = pollux::test::scripted_stream<int, std::string>;

}  // namespace

TEST_SUITE("stream/flatten") {
    TEST_CASE("flatten: gives the items of the inner streams, one stream after the other") {
        auto source =
            pollux::iter({3, 0, 2}) |
            pollux::map([](int n) { return pollux::iter(std::vector<int>(static_cast<std::size_t>(n), n)); }) |
            pollux::flatten();
        static_assert(std::is_same_v<decltype(source)::value_type, int>);
        CHECK(pollux::test::drain(source) == std::vector{3, 3, 3, 2, 2});
    }

    TEST_CASE("flatten: errors and pending of outer and inner pass, and end neither") {
        int outer_polls = 0;
        int inner_polls = 0;
        auto source = pollux::flatten(pollux::test::scripted_stream<inner, std::string>(
            &outer_polls, pollux::pending, std::unexpected("outer"),
            inner(&inner_polls, 1, std::unexpected("inner"), pollux::pending, 2), inner(nullptr, 3)));
        CHECK(outer_polls == 0);
        assert_pending(poll_once(source));
        CHECK(assert_ready(poll_once(source)).error() == "outer");
        CHECK(assert_ready(poll_once(source)).value() == 1);
        CHECK(assert_ready(poll_once(source)).error() == "inner");
        assert_pending(poll_once(source));
        CHECK(outer_polls == 3);
        CHECK(assert_ready(poll_once(source)).value() == 2);
        CHECK(assert_ready(poll_once(source)).value() == 3);
        CHECK(inner_polls == 5);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("flatten: destroys an inner stream at its end, and keeps the outer until it is destroyed itself") {
        std::vector<std::string> log;
        {
            int streams = 0;
            auto source =
                pollux::flatten(pollux::poll_stream_fn([&, kept = pollux::test::mark(log, "outer")](pollux::context&) {
                    auto next = [polls = 0, kept = pollux::test::mark(log, "inner " + std::to_string(streams))](
                                    pollux::context&) mutable -> pollux::polled<std::optional<int>> {
                        if (++polls == 2) return std::nullopt;
                        return polls;
                    };
                    using stream_type = decltype(pollux::poll_stream_fn(std::move(next)));
                    ++streams;
                    return pollux::polled<std::optional<stream_type>>::ready(std::in_place,
                                                                             pollux::poll_stream_fn(std::move(next)));
                }));
            CHECK(assert_ready(poll_once(source)) == 1);
            CHECK(log.empty());
            CHECK(assert_ready(poll_once(source)) == 1);
            CHECK(log == std::vector<std::string>{"inner 0"});
        }
        CHECK(log == std::vector<std::string>{"inner 0", "inner 1", "outer"});
    }

    TEST_CASE("flatten: an inner stream that throws is destroyed, and the next one follows") {
        int streams = 0;
        auto source = pollux::iter({1, 2}) | pollux::map([&streams](int n) {
                          ++streams;
                          return pollux::poll_stream_fn([n](pollux::context&) -> pollux::polled<std::optional<int>> {
                              if (n == 1) throw std::runtime_error("one");
                              return n;
                          });
                      }) |
                      pollux::flatten();
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK(assert_ready(poll_once(source)) == 2);
        CHECK(streams == 2);
    }

    TEST_CASE("flatten: a source of empty streams without end yields when the budget of the poll is spent") {
        auto source = pollux::flatten(pollux::poll_stream_fn(
            [](pollux::context&) { return pollux::polled<std::optional<inner>>::ready(std::in_place, nullptr); }));
        auto budget = pollux::test::budget_of(5);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker(), &budget);
        assert_pending(source.poll_next(cx));
        CHECK(waker.count() == 1);
    }

    TEST_CASE("flatten: is refused with a message when it is moved after its first poll; allocates nothing") {
        auto items = std::vector{1};
        const pollux::test::allocation_counter allocations;
        auto source = pollux::iter(std::move(items)) | pollux::map([](int n) {
                          return pollux::poll_stream_fn(
                              [n](pollux::context&) -> pollux::polled<std::optional<int>> { return n; });
                      }) |
                      pollux::flatten();
        CHECK(assert_ready(poll_once(source)) == 1);
        CHECK(allocations.count() == 0);
        const auto message = pollux::test::message_of_abort([&] { auto moved = std::move(source); });
        CHECK(message.starts_with("pollux: "));
    }
}
