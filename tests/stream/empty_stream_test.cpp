// SPDX-License-Identifier: MIT
#include "pollux/stream/empty_stream.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <type_traits>

#include "pollux/stream/boxed.hpp"
#include "support/drain.hpp"

namespace {

using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/empty_stream") {
    TEST_CASE("empty_stream: is at its end at every poll") {
        auto source = pollux::empty_stream<std::unique_ptr<int>>();
        static_assert(std::is_same_v<decltype(source)::error_type, pollux::never>);
        CHECK(assert_ready(poll_once(source)) == std::nullopt);
        CHECK(assert_ready(poll_once(source)) == std::nullopt);
    }

    TEST_CASE("empty_stream: has the error type that is asked for, and stands for any stream of that type") {
        auto source = pollux::empty_stream<int, std::string>();
        static_assert(std::is_same_v<decltype(source)::error_type, std::string>);
        static_assert(std::is_empty_v<decltype(source)>);
        pollux::boxed_stream<int, std::string> boxed = source;
        CHECK_FALSE(assert_ready(poll_once(boxed)).value().has_value());
    }
}
