// SPDX-License-Identifier: MIT
#include "pollux/stream/enumerate.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/stream/iter.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"
#include "support/manual_stream.hpp"

namespace {

using pollux::test::drain;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/enumerate") {
    TEST_CASE("enumerate: gives each item its number, in both forms") {
        using pairs = std::vector<std::pair<std::size_t, char>>;
        auto piped = pollux::iter({'a', 'b'}) | pollux::enumerate();
        static_assert(std::is_same_v<decltype(piped)::value_type, pairs::value_type>);
        CHECK(drain(piped) == pairs{{0, 'a'}, {1, 'b'}});
        auto called = pollux::enumerate(pollux::iter({'c'}));
        CHECK(drain(called) == pairs{{0, 'c'}});
    }

    TEST_CASE("enumerate: errors, exceptions and pending pass and are not counted") {
        pollux::test::manual_stream<std::unique_ptr<int>, std::string> source;
        auto numbered = source.stream() | pollux::enumerate();
        CHECK(source.polls() == 0);
        assert_pending(poll_once(numbered));
        source.fail("e");
        source.give(std::make_unique<int>(5));
        source.throw_next(std::runtime_error("no"));
        source.give(std::make_unique<int>(6));
        source.end();
        CHECK(assert_ready(poll_once(numbered)).error() == "e");
        const auto first = assert_ready(poll_once(numbered));
        REQUIRE(first.value().has_value());
        CHECK(first.value()->first == 0);
        CHECK(*first.value()->second == 5);
        CHECK_THROWS_AS(poll_once(numbered), std::runtime_error);
        CHECK(assert_ready(poll_once(numbered)).value()->first == 1);
        CHECK_FALSE(assert_ready(poll_once(numbered)).value().has_value());
        CHECK(source.is_alive());
    }

    TEST_CASE("enumerate: allocates nothing") {
        auto source = pollux::iter({1});
        const pollux::test::allocation_counter allocations;
        auto numbered = pollux::enumerate(std::move(source));
        CHECK(assert_ready(poll_once(numbered)) == std::pair(std::size_t{0}, 1));
        CHECK(allocations.count() == 0);
    }
}
