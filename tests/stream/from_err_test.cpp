// SPDX-License-Identifier: MIT
#include "pollux/stream/from_err.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "pollux/stream/iter.hpp"
#include "support/drain.hpp"
#include "support/scripted_stream.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/from_err") {
    TEST_CASE("from_err: converts each error; items, pending and the end pass") {
        int polls = 0;
        auto source =
            pollux::test::scripted_stream<std::unique_ptr<int>, const char*>(
                &polls, std::unexpected("e"), pollux::pending, std::make_unique<int>(3), std::unexpected("f")) |
            pollux::from_err<std::string>();
        static_assert(std::is_same_v<decltype(source)::error_type, std::string>);
        CHECK(polls == 0);
        CHECK(assert_ready(poll_once(source)).error() == "e");
        assert_pending(poll_once(source));
        CHECK(**assert_ready(poll_once(source)).value() == 3);
        CHECK(assert_ready(poll_once(source)).error() == "f");
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("from_err: a stream that cannot fail gets the error type that is named") {
        auto source = pollux::from_err<int>(pollux::iter({1}));
        static_assert(std::is_same_v<decltype(source)::error_type, int>);
        CHECK(assert_ready(poll_once(source)).value() == 1);
        auto still = pollux::from_err<pollux::never>(pollux::iter({1, 2}));
        CHECK(pollux::test::drain(still) == std::vector{1, 2});
    }
}
