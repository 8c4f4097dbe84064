// SPDX-License-Identifier: MIT
#include "pollux/stream/map.hpp"

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
#include "pollux/stream/poll_stream_fn.hpp"
#include "support/drain.hpp"
#include "support/scripted_stream.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/map") {
    TEST_CASE("map: turns each item, in both forms") {
        auto piped = pollux::iter({1, 2, 3}) | pollux::map([](int n) { return std::to_string(n); });
        CHECK(pollux::test::drain(piped) == std::vector<std::string>{"1", "2", "3"});
        auto called = pollux::map(pollux::iter(std::vector<std::string>{"a", "bc"}), &std::string::size);
        CHECK(pollux::test::drain(called) == std::vector<std::size_t>{1, 2});
    }

    TEST_CASE("map: errors and pending pass, and neither ends the stream") {
        int polls = 0;
        int calls = 0;
        auto source =
            pollux::poll_stream_fn([&polls](pollux::context&) -> pollux::polled<std::optional<int>, std::string> {
                ++polls;
                if (polls == 1) return pollux::pending;
                if (polls == 2) return std::unexpected("e");
                if (polls == 3) return 5;
                return std::nullopt;
            }) |
            pollux::map([&calls](int n) {
                ++calls;
                return n * 2;
            });
        CHECK(polls == 0);
        assert_pending(poll_once(source));
        CHECK(assert_ready(poll_once(source)).error() == "e");
        CHECK(calls == 0);
        CHECK(assert_ready(poll_once(source)).value() == 10);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK(calls == 1);
    }

    TEST_CASE("map: an exception of the function comes out of the poll, and the next item follows") {
        auto source = pollux::iter({1, 2}) | pollux::map([](int n) {
                          if (n == 1) throw std::runtime_error("one");
                          return n;
                      });
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK(assert_ready(poll_once(source)) == 2);
    }

    TEST_CASE("map_err: turns each error; items, pending and the end pass") {
        int polls = 0;
        auto source = pollux::test::scripted_stream<std::unique_ptr<int>, int>(
                          &polls, std::unexpected(1), pollux::pending, std::make_unique<int>(2), std::unexpected(3)) |
                      pollux::map_err([](int code) {
                          if (code == 3) throw std::runtime_error("three");
                          return std::to_string(code);
                      });
        static_assert(std::is_same_v<decltype(source)::error_type, std::string>);
        CHECK(polls == 0);
        CHECK(assert_ready(poll_once(source)).error() == "1");
        assert_pending(poll_once(source));
        CHECK(**assert_ready(poll_once(source)).value() == 2);
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        auto infallible = pollux::map_err(pollux::iter({1}), [](auto) { return 'c'; });
        CHECK(assert_ready(poll_once(infallible)).value() == 1);
    }
}
