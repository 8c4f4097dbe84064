// SPDX-License-Identifier: MIT
#include "pollux/stream/repeat.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <type_traits>

#include "pollux/stream/take.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"

namespace {

using pollux::testing::assert_ready;
using pollux::testing::poll_once;

struct throws_on_third_copy {
    throws_on_third_copy() = default;
    throws_on_third_copy(const throws_on_third_copy& other) : copies(other.copies) {
        if (++*copies == 3) throw std::runtime_error("third");
    }
    throws_on_third_copy(throws_on_third_copy&&) noexcept = default;

    int* copies = nullptr;
};

}  // namespace

TEST_SUITE("stream/repeat") {
    TEST_CASE("repeat: gives copies of the value without end") {
        auto source = pollux::repeat(std::string("again"));
        static_assert(std::is_same_v<decltype(source)::error_type, pollux::never>);
        for (int i = 0; i < 1000; ++i) {
            CAPTURE(i);
            CHECK(assert_ready(poll_once(source)) == "again");
        }
    }

    TEST_CASE("repeat: copies once an item, and what the copy throws comes out of the poll") {
        int copies = 0;
        throws_on_third_copy value;
        value.copies = &copies;
        auto source = pollux::repeat(std::move(value));
        CHECK(copies == 0);
        CHECK(poll_once(source).is_ready());
        CHECK(poll_once(source).is_ready());
        CHECK(copies == 2);
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK(poll_once(source).is_ready());
        CHECK(copies == 4);
    }

    TEST_CASE("repeat: costs nothing beside the value, in the size and in allocations") {
        static_assert(sizeof(pollux::repeat(1)) == sizeof(int));
        const pollux::test::allocation_counter allocations;
        auto two = pollux::repeat(pollux::unit()) | pollux::take(2);
        CHECK(assert_ready(poll_once(two)).has_value());
        CHECK(assert_ready(poll_once(two)).has_value());
        CHECK_FALSE(assert_ready(poll_once(two)).has_value());
        CHECK(allocations.count() == 0);
    }
}
