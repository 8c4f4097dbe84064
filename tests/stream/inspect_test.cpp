// SPDX-License-Identifier: MIT
#include "pollux/stream/inspect.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "pollux/stream/iter.hpp"
#include "support/drain.hpp"
#include "support/scripted_stream.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/inspect") {
    TEST_CASE("inspect: shows each item, and neither errors nor the end") {
        std::vector<int> seen;
        int polls = 0;
        auto source =
            pollux::test::scripted_stream<std::unique_ptr<int>, std::string>(
                &polls, std::make_unique<int>(1), std::unexpected("e"), pollux::pending, std::make_unique<int>(2)) |
            pollux::inspect([&seen](const std::unique_ptr<int>& n) { seen.push_back(*n); });
        CHECK(polls == 0);
        CHECK(**assert_ready(poll_once(source)).value() == 1);
        CHECK(seen == std::vector{1});
        CHECK(assert_ready(poll_once(source)).error() == "e");
        assert_pending(poll_once(source));
        CHECK(seen == std::vector{1});
        CHECK(**assert_ready(poll_once(source)).value() == 2);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK(seen == std::vector{1, 2});
    }

    TEST_CASE("inspect: what the function throws comes out of the poll, and the next item follows") {
        auto source = pollux::inspect(pollux::iter({1, 2}), [](int n) {
            if (n == 1) throw std::runtime_error("one");
        });
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK(assert_ready(poll_once(source)) == 2);
    }

    TEST_CASE("inspect_err: shows each error and nothing else") {
        std::string seen;
        auto source = pollux::test::scripted_stream<int, std::string>(nullptr, 1, std::unexpected("e"), pollux::pending,
                                                                      std::unexpected("f")) |
                      pollux::inspect_err([&seen](const std::string& error) { seen += error; });
        CHECK(assert_ready(poll_once(source)).value() == 1);
        CHECK(seen.empty());
        CHECK(assert_ready(poll_once(source)).error() == "e");
        CHECK(seen == "e");
        assert_pending(poll_once(source));
        CHECK(assert_ready(poll_once(source)).error() == "f");
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK(seen == "ef");
    }
}
