// SPDX-License-Identifier: MIT
#include "pollux/future/flatten_stream.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/coro/async_stream.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"
#include "support/manual_future.hpp"
#include "support/scripted_stream.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("future/flatten_stream") {
    TEST_CASE("flatten_stream: waits for the future, and gives the items of its stream") {
        pollux::test::manual<> gate;
        auto source = gate.future() | pollux::map([] { return pollux::iter({1, 2}); }) | pollux::flatten_stream();
        static_assert(std::is_same_v<decltype(source)::value_type, int>);
        CHECK(gate.polls() == 0);
        assert_pending(poll_once(source));
        gate.complete(pollux::polled<>::ready());
        CHECK(assert_ready(poll_once(source)) == 1);
        CHECK_FALSE(gate.is_alive());
        CHECK(pollux::test::drain(source) == std::vector{2});
    }

    TEST_CASE("flatten_stream: an error of the future is one item, then the end for ever") {
        auto source = pollux::flatten_stream(pollux::fail<decltype(pollux::iter({1}))>(std::string("e")));
        CHECK(assert_ready(poll_once(source)).error() == "e");
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("flatten_stream: an error of the stream does not end it") {
        auto source = pollux::flatten_stream(pollux::ready(
            pollux::test::scripted_stream<int, std::string>(nullptr, std::unexpected("e"), pollux::pending, 4)));
        CHECK(assert_ready(poll_once(source)).error() == "e");
        assert_pending(poll_once(source));
        CHECK(assert_ready(poll_once(source)).value() == 4);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("flatten_stream: after an exception of the future it is at its end") {
        pollux::test::manual<decltype(pollux::iter({1}))> future;
        auto source = pollux::flatten_stream(future.future());
        future.complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK_FALSE(future.is_alive());
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
    }

    TEST_CASE("flatten_stream: a drop destroys the future; it allocates nothing") {
        pollux::test::manual<pollux::test::scripted_stream<int>> future;
        auto child = future.future();
        const pollux::test::allocation_counter allocations;
        {
            auto source = pollux::flatten_stream(std::move(child));
            assert_pending(poll_once(source));
            CHECK(future.is_alive());
        }
        CHECK_FALSE(future.is_alive());
        CHECK(allocations.count() == 0);
    }

    // The map was destroyed, and the stream put into its bytes, while the coroutine had still to read the capture.
    TEST_CASE("flatten_stream: the future stays, so map may have a capturing lambda that is a coroutine") {
        const std::string text(60, 's');
        auto source = pollux::ready(2) | pollux::map([text](int n) -> pollux::async_stream<std::string> {
                          while (n-- != 0) co_yield text + std::to_string(n);
                      }) |
                      pollux::flatten_stream();
        CHECK(pollux::test::drain(source) == std::vector{text + "1", text + "0"});
    }

    TEST_CASE("flatten_stream: dropped, it destroys the stream, then the future") {
        std::vector<std::string> log;
        {
            auto source =
                pollux::ready() | pollux::map([&log, kept = pollux::test::mark(log, "callable")] {
                    return pollux::poll_stream_fn(
                        [mine = pollux::test::mark(log, "stream")](
                            pollux::context&) -> pollux::polled<std::optional<int>> { return pollux::pending; });
                }) |
                pollux::flatten_stream();
            assert_pending(poll_once(source));
        }
        CHECK(log == std::vector<std::string>{"stream", "callable"});
    }
}
