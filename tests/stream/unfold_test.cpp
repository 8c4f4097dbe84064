// SPDX-License-Identifier: MIT
#include "pollux/stream/unfold.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/future/map.hpp"
#include "support/drain.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using step = std::optional<std::pair<int, std::unique_ptr<int>>>;

}  // namespace

TEST_SUITE("stream/unfold") {
    TEST_CASE("unfold: each item comes with the next state, until nullopt") {
        auto source = pollux::unfold(std::make_unique<int>(0), [](std::unique_ptr<int> state) -> step {
            if (*state == 3) return std::nullopt;
            const int item = (*state)++;
            return std::pair(item, std::move(state));
        });
        CHECK(pollux::test::drain(source) == std::vector{0, 1, 2});
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
    }

    TEST_CASE("unfold: waits for a future of the next item") {
        pollux::test::manual<int> gate;
        int calls = 0;
        auto source = pollux::unfold(1, [&](int state) {
            ++calls;
            return gate.future() | pollux::map([state](int n) { return std::optional(std::pair(n + state, state)); });
        });
        CHECK(calls == 0);
        assert_pending(poll_once(source));
        assert_pending(poll_once(source));
        CHECK(calls == 1);
        gate.complete(4);
        CHECK(assert_ready(poll_once(source)) == 5);
        CHECK_FALSE(gate.is_alive());
    }

    TEST_CASE("unfold: an error is handed on, then the stream ends") {
        int calls = 0;
        auto source =
            pollux::unfold(0, [&calls](int) -> std::expected<std::optional<std::pair<char, int>>, std::string> {
                ++calls;
                return std::unexpected("e");
            });
        CHECK(assert_ready(poll_once(source)).error() == "e");
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK(calls == 1);
    }

    TEST_CASE("unfold: after an exception it is at its end") {
        auto source =
            pollux::unfold(0, [](int) -> std::optional<std::pair<int, int>> { throw std::runtime_error("no"); });
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
    }

    // A step whose future threw was polled again.
    TEST_CASE("unfold: after an exception of a step's future it is at its end, and the future is destroyed") {
        pollux::test::manual<step> gate;
        auto source = pollux::unfold(std::make_unique<int>(0), [&](std::unique_ptr<int>) { return gate.future(); });
        assert_pending(poll_once(source));
        gate.complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK_FALSE(gate.is_alive());
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
        CHECK(gate.polls() == 2);
    }
}
