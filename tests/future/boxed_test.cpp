// SPDX-License-Identifier: MIT
#include "pollux/future/boxed.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/future/and_then.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::boxed_future;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

// Implicit from what has the same value and error, or never.
static_assert(std::is_convertible_v<decltype(pollux::ready(1)), boxed_future<int>>);
static_assert(std::is_convertible_v<decltype(pollux::ready(1)), boxed_future<int, std::string>>);
static_assert(std::is_convertible_v<decltype(pollux::fail(std::string())), boxed_future<int, std::string>>);
static_assert(std::is_convertible_v<decltype(pollux::ready()), boxed_future<>>);
static_assert(std::is_convertible_v<boxed_future<int>, boxed_future<int, std::string>>);
static_assert(!std::is_convertible_v<decltype(pollux::ready(1)), boxed_future<long>>);
static_assert(!std::is_convertible_v<decltype(pollux::fail<int>(1)), boxed_future<int>>);
static_assert(!std::is_convertible_v<int, boxed_future<int>>);
static_assert(std::is_nothrow_move_constructible_v<boxed_future<int>> &&
              std::is_nothrow_move_assignable_v<boxed_future<int>>);
static_assert(!std::is_copy_constructible_v<boxed_future<int>>);

boxed_future<int, std::string> half(int n) {
    if (n % 2 == 0) return pollux::ready(n / 2);
    return pollux::fail(std::string("odd"));
}

}  // namespace

TEST_SUITE("future/boxed") {
    TEST_CASE("boxed_future: one type for several futures") {
        auto even = half(8);
        CHECK(assert_ready(poll_once(even)) == 4);
        auto odd = half(7);
        CHECK(assert_ready(poll_once(odd)).error() == "odd");
    }

    TEST_CASE("boxed_future: costs one allocation, however long the chain is") {
        const pollux::test::allocation_counter allocations;
        auto fut = pollux::ready(1) | pollux::and_then([](int n) { return pollux::ready(n + 1); }) | pollux::boxed();
        static_assert(std::is_same_v<decltype(fut), boxed_future<int>>);
        CHECK(allocations.count() == 1);
        CHECK(assert_ready(poll_once(fut)) == 2);
        CHECK(allocations.count() == 1);
    }

    TEST_CASE("boxed_future: may be moved after its first poll, and moving does not touch what is inside") {
        pollux::test::manual<std::unique_ptr<int>> source;
        std::vector<boxed_future<std::unique_ptr<int>>> futures;
        futures.push_back(source.future());
        assert_pending(poll_once(futures.front()));
        auto moved = std::move(futures.front());
        futures.clear();
        CHECK(source.is_alive());
        source.complete(std::make_unique<int>(3));
        CHECK(*assert_ready(poll_once(moved)) == 3);
        moved = pollux::ready(std::make_unique<int>(4));
        CHECK_FALSE(source.is_alive());
        CHECK(*assert_ready(poll_once(moved)) == 4);
    }

    TEST_CASE("boxed_future: a drop destroys what is inside") {
        pollux::test::manual<> source;
        {
            boxed_future<> fut = source.future();
            assert_pending(poll_once(fut));
        }
        CHECK_FALSE(source.is_alive());
    }
}
