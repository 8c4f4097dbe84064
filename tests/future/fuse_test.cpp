// SPDX-License-Identifier: MIT
#include "pollux/future/fuse.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("future/fuse") {
    TEST_CASE("fuse: destroys the future when it is ready, and is pending for ever without waking anybody") {
        pollux::test::manual<std::unique_ptr<int>> source;
        auto fut = source.future() | pollux::fuse();
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        CHECK(source.polls() == 0);
        assert_pending(fut.poll(cx));
        source.complete(std::make_unique<int>(2));
        CHECK(waker.count() == 1);
        CHECK(*assert_ready(fut.poll(cx)) == 2);
        CHECK_FALSE(source.is_alive());
        assert_pending(fut.poll(cx));
        assert_pending(fut.poll(cx));
        CHECK(waker.count() == 1);
        CHECK(source.polls() == 2);
    }

    TEST_CASE("fuse: an error is an end like a value, and void is a value") {
        auto failing = pollux::fuse(pollux::fail<int>(std::string("e")));
        CHECK(assert_ready(poll_once(failing)).error() == "e");
        assert_pending(poll_once(failing));
        auto nothing = pollux::fuse(pollux::ready());
        CHECK(poll_once(nothing).has_value());
        assert_pending(poll_once(nothing));
    }

    TEST_CASE("fuse: an exception is an end, too") {
        pollux::test::manual<int> source;
        auto fut = pollux::fuse(source.future());
        source.complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
        CHECK_FALSE(source.is_alive());
        assert_pending(poll_once(fut));
    }
}
