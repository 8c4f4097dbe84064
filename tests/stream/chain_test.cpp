// SPDX-License-Identifier: MIT
#include "pollux/stream/chain.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/once.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"
#include "support/manual_stream.hpp"

namespace {

using pollux::test::drain;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/chain") {
    TEST_CASE("chain: gives the items of the second when the first has ended, in both forms") {
        auto piped = pollux::iter({1, 2}) | pollux::chain(pollux::iter({3}));
        static_assert(std::is_same_v<decltype(piped)::value_type, int>);
        CHECK(drain(piped) == std::vector{1, 2, 3});
        const auto second = pollux::iter({4});
        auto called = pollux::chain(pollux::iter(std::vector<int>()), second);
        CHECK(drain(called) == std::vector{4});
    }

    TEST_CASE("chain: a stream of never meets the items of the other, on either side") {
        auto fails_last = pollux::iter({1}) | pollux::chain(pollux::once(pollux::fail(std::string("last"))));
        static_assert(std::is_same_v<decltype(fails_last)::value_type, int>);
        CHECK(assert_ready(poll_once(fails_last)).value() == 1);
        CHECK(assert_ready(poll_once(fails_last)).error() == "last");
        CHECK_FALSE(assert_ready(poll_once(fails_last)).value().has_value());
        auto fails_first = pollux::once(pollux::fail(std::string("first"))) | pollux::chain(pollux::iter({2}));
        static_assert(std::is_same_v<decltype(fails_first)::value_type, int>);
        CHECK(assert_ready(poll_once(fails_first)).error() == "first");
        CHECK(assert_ready(poll_once(fails_first)).value() == 2);
        CHECK_FALSE(assert_ready(poll_once(fails_first)).value().has_value());
    }

    TEST_CASE("chain: polls the second only after the first has ended, and the first not again") {
        pollux::test::manual_stream<std::unique_ptr<int>> first;
        pollux::test::manual_stream<std::unique_ptr<int>, std::string> second;
        auto both = pollux::chain(first.stream(), second.stream());
        static_assert(std::is_same_v<decltype(both)::error_type, std::string>);
        second.give(std::make_unique<int>(2));
        CHECK(first.polls() == 0);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(both.poll_next(cx));
        CHECK(second.polls() == 0);
        first.give(std::make_unique<int>(1));
        first.end();
        CHECK(waker.count() == 1);
        CHECK(**assert_ready(both.poll_next(cx)).value() == 1);
        CHECK(**assert_ready(both.poll_next(cx)).value() == 2);
        assert_pending(both.poll_next(cx));
        CHECK(first.polls() == 3);
        second.end();
        CHECK(waker.count() == 2);
        CHECK_FALSE(assert_ready(both.poll_next(cx)).value().has_value());
        CHECK(first.polls() == 3);
        CHECK(first.is_alive());
    }

    TEST_CASE("chain: errors and exceptions of both pass, and do not end the first") {
        pollux::test::manual_stream<int, std::string> first;
        pollux::test::manual_stream<int, std::string> second;
        auto both = first.stream() | pollux::chain(second.stream());
        first.fail("first");
        first.throw_next(std::runtime_error("no"));
        first.give(1);
        first.end();
        second.fail("second");
        second.end();
        CHECK(assert_ready(poll_once(both)).error() == "first");
        CHECK_THROWS_AS(poll_once(both), std::runtime_error);
        CHECK(assert_ready(poll_once(both)).value() == 1);
        CHECK(assert_ready(poll_once(both)).error() == "second");
        CHECK_FALSE(assert_ready(poll_once(both)).value().has_value());
    }

    TEST_CASE("chain: allocates nothing") {
        auto first = pollux::iter({1});
        auto second = pollux::iter({2});
        const pollux::test::allocation_counter allocations;
        auto both = std::move(first) | pollux::chain(std::move(second));
        CHECK(assert_ready(poll_once(both)) == 1);
        CHECK(assert_ready(poll_once(both)) == 2);
        CHECK(allocations.count() == 0);
    }
}
