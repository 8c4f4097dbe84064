// SPDX-License-Identifier: MIT
#include "pollux/testing/poll.hpp"

#include <doctest/doctest.h>

#include <exception>
#include <expected>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>

#include "pollux/core/polled.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"

namespace {

using pollux::polled;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::assertion_failed;

static_assert(std::is_base_of_v<std::exception, assertion_failed> &&
              std::is_nothrow_copy_constructible_v<assertion_failed>);

}  // namespace

TEST_SUITE("testing/poll") {
    TEST_CASE("poll_once: polls a future or a stream and gives its polled") {
        auto fut = pollux::ready(1);
        static_assert(std::is_same_v<decltype(pollux::testing::poll_once(fut)), polled<int>>);
        CHECK(pollux::testing::poll_once(fut).value() == 1);
        auto source = pollux::iter({2});
        CHECK(pollux::testing::poll_once(source).value() == 2);
    }

    TEST_CASE("assert_pending: lets pending pass and throws what it found instead") {
        CHECK_NOTHROW(assert_pending(polled<int, int>(pollux::pending)));
        CHECK_THROWS_WITH_AS(assert_pending(polled<int, int>(1)), "pollux: assert_pending: the poll gave a value",
                             assertion_failed);
        CHECK_THROWS_WITH_AS(assert_pending(polled<int, int>(std::unexpected(1))),
                             "pollux: assert_pending: the poll gave an error", assertion_failed);
    }

    TEST_CASE("assert_ready: gives the outcome and throws if there is none") {
        CHECK(assert_ready(polled<int>(1)) == 1);
        CHECK(*assert_ready(polled<std::unique_ptr<int>>(std::make_unique<int>(2))) == 2);
        auto error = assert_ready(polled<void, std::string>(std::unexpected("e")));
        CHECK(error.error() == "e");
        CHECK_THROWS_WITH_AS(assert_ready(polled<>(pollux::pending)), "pollux: assert_ready: the poll was pending",
                             assertion_failed);
    }

    TEST_CASE("counting_waker: counts wake-ups of all its copies, from every thread, also after it has gone") {
        pollux::waker copy;
        {
            const pollux::testing::counting_waker waker;
            CHECK(waker.count() == 0);
            copy = waker.waker();
            copy.wake();
            std::thread other([&] { copy.wake(); });
            other.join();
            CHECK(waker.count() == 2);
            CHECK(copy.will_wake(waker.waker()));
        }
        copy.wake();
    }
}
