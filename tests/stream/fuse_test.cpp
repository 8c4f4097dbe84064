// SPDX-License-Identifier: MIT
#include "pollux/stream/fuse.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"
#include "support/scripted_stream.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/fuse") {
    TEST_CASE("fuse: gives nothing after the first end, and does not poll the source again") {
        int polls = 0;
        auto source = pollux::test::scripted_stream<int, std::string>(&polls, 1, pollux::pending, std::unexpected("e"),
                                                                      std::nullopt, 5) |
                      pollux::fuse();
        CHECK(polls == 0);
        CHECK(assert_ready(poll_once(source)).value() == 1);
        assert_pending(poll_once(source));
        CHECK(assert_ready(poll_once(source)).error() == "e");
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK(polls == 4);
    }

    TEST_CASE("fuse: keeps the source, ended or not, until it is destroyed itself") {
        std::vector<std::string> log;
        {
            auto source = pollux::fuse(pollux::poll_stream_fn(
                [kept = pollux::test::mark(log, "source")](pollux::context&) -> pollux::polled<std::optional<int>> {
                    return std::nullopt;
                }));
            CHECK_FALSE(assert_ready(poll_once(source)).has_value());
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"source"});
    }

    TEST_CASE("fuse: an exception comes out of the poll and is no end") {
        int polls = 0;
        auto source =
            pollux::fuse(pollux::poll_stream_fn([&polls](pollux::context&) -> pollux::polled<std::optional<int>> {
                if (++polls == 1) throw std::runtime_error("no");
                return polls;
            }));
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK(assert_ready(poll_once(source)) == 2);
    }
}
