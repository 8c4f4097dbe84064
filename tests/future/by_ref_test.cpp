// SPDX-License-Identifier: MIT
#include "pollux/future/by_ref.hpp"

#include <doctest/doctest.h>

#include <concepts>
#include <expected>
#include <optional>

#include "pollux/core/concepts.hpp"
#include "pollux/future/map.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"

namespace {

struct int_sink {
    using item_type = int;
    using error_type = pollux::never;
    pollux::polled<> poll_ready(pollux::context&) { return pollux::polled<>::ready(); }
    pollux::polled<> poll_flush(pollux::context&) { return pollux::polled<>::ready(); }
    pollux::polled<> poll_close(pollux::context&) { return pollux::polled<>::ready(); }
    void start_send(int item) { sum += item; }

    int sum = 0;
};

struct number_echo : int_sink {
    using value_type = int;
    pollux::polled<std::optional<int>> poll_next(pollux::context&) { return sum; }
};

static_assert(pollux::future<pollux::detail::lent<pollux::test::manual<int>::future_type>>);
static_assert(pollux::sink<pollux::detail::lent<int_sink>>);
// It is asked, and says no: it is not an error to ask.
static_assert(!pollux::sink<pollux::detail::lent<int_sink>, const char*>);
static_assert(!pollux::future<pollux::detail::lent<int_sink>> && !pollux::stream<pollux::detail::lent<int_sink>>);

}  // namespace

TEST_SUITE("future/by_ref") {
    TEST_CASE("by_ref: polls the future where it is and leaves it there") {
        pollux::test::manual<int> source;
        auto kept = source.future();
        {
            auto fut = pollux::by_ref(kept) | pollux::map([](int n) { return n + 1; });
            pollux::testing::assert_pending(pollux::testing::poll_once(fut));
        }
        CHECK(source.is_alive());
        CHECK(source.polls() == 1);
        source.complete(1);
        auto fut = pollux::by_ref(kept) | pollux::map([](int n) { return n + 2; });
        CHECK(pollux::testing::assert_ready(pollux::testing::poll_once(fut)) == 3);
        CHECK(source.is_alive());
    }

    TEST_CASE("by_ref: lends what is a stream and a sink as both") {
        static_assert(pollux::sink<pollux::detail::lent<number_echo>> &&
                      pollux::stream<pollux::detail::lent<number_echo>>);
        number_echo both;
        auto lent = pollux::by_ref(both);
        lent.start_send(4);
        CHECK(pollux::testing::assert_ready(pollux::testing::poll_once(lent)) == 4);
    }

    TEST_CASE("by_ref: lends a sink") {
        int_sink target;
        auto lent = pollux::by_ref(target);
        lent.start_send(4);
        CHECK(target.sum == 4);
    }
}
