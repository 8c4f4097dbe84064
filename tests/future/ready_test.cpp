// SPDX-License-Identifier: MIT
#include "pollux/future/ready.hpp"

#include <doctest/doctest.h>

#include <any>
#include <expected>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/map.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"

namespace {

using pollux::never;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

static_assert(std::is_same_v<pollux::outcome_of<decltype(pollux::ready(1))>, int>);
static_assert(std::is_void_v<decltype(pollux::ready())::value_type>);
static_assert(std::is_same_v<decltype(pollux::fail(1))::value_type, never>);
static_assert(std::is_same_v<decltype(pollux::fail<int>(1L))::value_type, int>);
static_assert(std::is_same_v<decltype(pollux::fail<int>(1L))::error_type, long>);
static_assert(std::is_void_v<decltype(pollux::never_ready())::value_type>);

}  // namespace

TEST_SUITE("future/ready") {
    TEST_CASE("ready: gives its value at the first poll, also one that can only be moved") {
        auto fut = pollux::ready(std::make_unique<int>(3));
        CHECK(*assert_ready(poll_once(fut)) == 3);
    }

    // With clang a future of one could not be copied, nor so much as given to a combinator: it asked whether it became a std::any itself.
    TEST_CASE("ready: gives what takes anything that can be copied") {
        auto fut = pollux::ready(std::any(3));
        static_assert(std::is_copy_constructible_v<decltype(fut)>);
        auto copy = fut;
        CHECK(std::any_cast<int>(assert_ready(poll_once(copy))) == 3);
        auto mapped = std::move(fut) | pollux::map([](std::any value) { return std::any_cast<int>(value); });
        CHECK(assert_ready(poll_once(mapped)) == 3);
    }

    TEST_CASE("ready: without a value it succeeds with nothing") {
        auto fut = pollux::ready();
        CHECK(poll_once(fut).has_value());
    }

    TEST_CASE("fail: gives its error at the first poll") {
        auto fut = pollux::fail(std::string("broken"));
        auto answer = poll_once(fut);
        REQUIRE(answer.has_error());
        CHECK(answer.error() == "broken");
    }

    TEST_CASE("from_result: is what the expected holds") {
        auto value = pollux::from_result(std::expected<int, std::string>(3));
        CHECK(assert_ready(poll_once(value)) == 3);
        auto error = pollux::from_result(std::expected<int, std::string>(std::unexpect, "e"));
        CHECK(assert_ready(poll_once(error)).error() == "e");
        auto nothing = pollux::from_result(std::expected<void, std::string>());
        CHECK(assert_ready(poll_once(nothing)).has_value());
    }

    TEST_CASE("never_ready: is pending at every poll and wakes nobody") {
        auto fut = pollux::never_ready<int, std::string>();
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(fut.poll(cx));
        assert_pending(fut.poll(cx));
        CHECK(waker.count() == 0);
    }

#ifndef NDEBUG
    TEST_CASE("ready: a debug build stops with a message when it is polled after it was ready") {
        const auto message = pollux::test::message_of_second_poll(pollux::ready(1));
        CHECK(message.starts_with("pollux: ready: polled after it was ready; "));
    }
#endif
}
