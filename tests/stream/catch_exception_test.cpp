// SPDX-License-Identifier: MIT
#include "pollux/stream/catch_exception.hpp"

#include <doctest/doctest.h>

#include <exception>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"
#include "support/scripted_stream.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/catch_exception") {
    TEST_CASE("catch_exception: an exception is one error, then the stream is at its end and keeps its source") {
        std::vector<std::string> log;
        int polls = 0;
        {
            auto source =
                pollux::poll_stream_fn([&polls, kept = pollux::test::mark(log, "source")](
                                           pollux::context&) -> pollux::polled<std::optional<std::unique_ptr<int>>> {
                    ++polls;
                    if (polls == 1) return pollux::pending;
                    if (polls == 3) throw std::runtime_error("no");
                    return std::make_unique<int>(polls);
                }) |
                pollux::catch_exception();
            CHECK(polls == 0);
            assert_pending(poll_once(source));
            CHECK(**assert_ready(poll_once(source)).value() == 2);
            auto result = assert_ready(poll_once(source));
            REQUIRE_FALSE(result.has_value());
            CHECK_THROWS_WITH_AS(std::rethrow_exception(result.error()), "no", std::runtime_error);
            CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
            CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
            CHECK(polls == 3);
            CHECK(log.empty());
        }
        CHECK(log.size() == 1);
    }

    TEST_CASE("catch_exception: its items are outcomes, errors included") {
        auto source =
            pollux::catch_exception(pollux::test::scripted_stream<int, std::string>(nullptr, 1, std::unexpected("e")));
        static_assert(std::is_same_v<decltype(source)::value_type, std::expected<int, std::string>>);
        static_assert(std::is_same_v<decltype(source)::error_type, std::exception_ptr>);
        CHECK(assert_ready(poll_once(source)).value()->value() == 1);
        CHECK(assert_ready(poll_once(source)).value()->error() == "e");
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }
}
