// SPDX-License-Identifier: MIT
// A set of children each of which adds one more.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/testing/poll.hpp"

namespace pollux::test {

/// Five children, each added by the first poll of the one before: a poll of the set polls one of them, and wakes its task for the next.
/// `make(fn)`: a child that calls `fn` in each poll and is pending; `add(set, number, child)` puts it into the set.
template <class Set, class Make, class Add>
void check_that_additions_wait_for_the_next_poll(Set& set, Make make, Add add) {
    int polls = 0;
    std::function<void(int)> put = [&](int number) {
        add(set, number, make([&, number, is_first = true]() mutable {
                ++polls;
                if (std::exchange(is_first, false) && number != 5) put(number + 1);
            }));
    };
    put(1);
    for (int round = 1; round != 6; ++round) {
        testing::counting_waker waker;
        context cx(waker.waker());
        testing::assert_pending(set.poll_next(cx));
        CHECK(polls == round);
        CHECK(waker.count() == (round == 5 ? 0 : 1));
    }
}

}  // namespace pollux::test
