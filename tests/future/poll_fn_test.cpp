// SPDX-License-Identifier: MIT
#include "pollux/future/poll_fn.hpp"

#include <doctest/doctest.h>

#include <type_traits>

#include "pollux/core/context.hpp"
#include "pollux/testing/poll.hpp"

TEST_SUITE("future/poll_fn") {
    TEST_CASE("poll_fn: each poll is a call, with the context of that poll") {
        int calls = 0;
        auto fut = pollux::poll_fn([&calls](pollux::context& cx) -> pollux::polled<int, long> {
            cx.waker().wake();
            if (++calls < 3) return pollux::pending;
            return calls;
        });
        static_assert(std::is_same_v<decltype(fut)::value_type, int> &&
                      std::is_same_v<decltype(fut)::error_type, long>);
        CHECK(calls == 0);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        pollux::testing::assert_pending(fut.poll(cx));
        CHECK(waker.count() == 1);
        pollux::testing::assert_pending(fut.poll(cx));
        CHECK(pollux::testing::assert_ready(fut.poll(cx)) == 3);
        CHECK(waker.count() == 3);
    }
}
