// SPDX-License-Identifier: MIT
#include "pollux/stream/boxed.hpp"

#include <doctest/doctest.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/future/map.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/map.hpp"
#include "pollux/stream/once.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"

namespace {

using pollux::boxed_stream;

static_assert(std::is_convertible_v<boxed_stream<int>, boxed_stream<int, std::string>>);
static_assert(!std::is_convertible_v<boxed_stream<int, std::string>, boxed_stream<int>>);
static_assert(!std::is_convertible_v<boxed_stream<int>, boxed_stream<long>>);
static_assert(std::is_convertible_v<boxed_stream<pollux::never, std::string>, boxed_stream<int, std::string>>);
static_assert(!std::is_copy_constructible_v<boxed_stream<int>>);

boxed_stream<int, std::string> up_to(int n) {
    if (n == 2) return pollux::iter({1, 2});
    return pollux::iter(std::vector(1, n)) | pollux::map([](int item) { return -item; });
}

}  // namespace

TEST_SUITE("stream/boxed") {
    TEST_CASE("boxed_stream: one type for several streams, which may be moved after its first poll") {
        auto source = up_to(2);
        CHECK(pollux::testing::assert_ready(pollux::testing::poll_once(source)).value() == 1);
        auto moved = std::move(source);
        CHECK(pollux::testing::assert_ready(pollux::testing::poll_once(moved)).value() == 2);
        moved = up_to(3);
        CHECK(pollux::testing::assert_ready(pollux::testing::poll_once(moved)).value() == -3);
    }

    TEST_CASE("boxed_stream: takes a stream of never, which can only fail") {
        boxed_stream<int, std::string> source = pollux::once(pollux::fail(std::string("away")));
        CHECK(pollux::testing::assert_ready(pollux::testing::poll_once(source)).error() == "away");
        CHECK_FALSE(pollux::testing::assert_ready(pollux::testing::poll_once(source)).value().has_value());
    }

    TEST_CASE("boxed_stream: costs one allocation") {
        std::vector<int> items{1, 2};
        const pollux::test::allocation_counter allocations;
        auto source = pollux::iter(std::move(items)) | pollux::boxed();
        static_assert(std::is_same_v<decltype(source), boxed_stream<int>>);
        CHECK(allocations.count() == 1);
    }
}
