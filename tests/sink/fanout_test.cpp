// SPDX-License-Identifier: MIT
#include "pollux/sink/fanout.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/sink/flush.hpp"
#include "pollux/sink/send.hpp"
#include "pollux/testing/poll.hpp"
#include "support/scripted_sink.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::test::poll_with;
using pollux::test::scripted_sink;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using words = std::vector<std::string>;

}  // namespace

TEST_SUITE("sink/fanout") {
    TEST_CASE("fanout: gives each item to both sinks, in both forms") {
        scripted_sink<std::string> a;
        scripted_sink<std::string> b;
        auto piped = a.sink() | pollux::fanout(b.sink());
        static_assert(pollux::sink<decltype(piped), std::string>);
        auto first = pollux::send(piped, "x");
        CHECK(a.ready_polls() == 0);
        CHECK(poll_once(first).has_value());
        CHECK(a.written() == words{"x"});
        CHECK(b.written() == words{"x"});
        scripted_sink<std::string> c;
        auto called = pollux::fanout(pollux::by_ref(piped), c.sink());
        auto second = pollux::send(called, "y");
        CHECK(poll_once(second).has_value());
        CHECK(a.written() == words{"x", "y"});
        CHECK(b.written() == words{"x", "y"});
        CHECK(c.written() == words{"y"});
    }

    TEST_CASE("fanout: takes the next item when both sinks are ready, and is woken by either") {
        scripted_sink<int> a;
        scripted_sink<int> b;
        auto sink = pollux::fanout(a.sink(), b.sink());
        pollux::test::wake_counter waker;
        a.shut();
        b.shut();
        auto first = pollux::send(sink, 1);
        assert_pending(poll_with(first, waker));
        auto second = pollux::send(sink, 2);
        assert_pending(poll_with(second, waker));
        a.open();
        CHECK(waker.count() == 1);
        assert_pending(poll_with(second, waker));
        CHECK(a.held().empty());
        b.open();
        CHECK(waker.count() == 2);
        CHECK(poll_with(second, waker).has_value());
        CHECK(a.written() == std::vector<int>{1, 2});
        CHECK(b.written() == std::vector<int>{1, 2});
    }

    TEST_CASE("fanout: closes both, and each only once") {
        scripted_sink<int> a;
        scripted_sink<int> b;
        auto sink = pollux::fanout(a.sink(), b.sink());
        b.shut();
        {
            auto sending = pollux::send(sink, 1);
            assert_pending(poll_once(sending));
        }
        auto fut = pollux::close(sink);
        assert_pending(poll_once(fut));
        CHECK(a.close_polls() == 1);
        assert_pending(poll_once(fut));
        CHECK(a.close_polls() == 1);
        b.open();
        CHECK(poll_once(fut).has_value());
        CHECK(a.close_polls() == 1);
        CHECK(b.close_polls() == 3);
        CHECK(b.written() == std::vector<int>{1});
    }

    TEST_CASE("fanout: errors of either come out and meet never; a refused item does not go to the second") {
        scripted_sink<int, std::string> a;
        scripted_sink<int> b;
        auto sink = pollux::fanout(a.sink(), b.sink());
        static_assert(std::is_same_v<decltype(sink)::error_type, std::string>);
        a.fail_next_start("a");
        auto first = pollux::send(sink, 1);
        CHECK(assert_ready(poll_once(first)).error() == "a");
        CHECK(b.held().empty());
        scripted_sink<int> c;
        scripted_sink<int, std::string> d;
        auto other = pollux::fanout(c.sink(), d.sink());
        d.fail_next_start("d");
        auto second = pollux::send(other, 1);
        CHECK(assert_ready(poll_once(second)).error() == "d");
        d.fail_next_poll("close");
        auto closing = pollux::close(other);
        CHECK(assert_ready(poll_once(closing)).error() == "close");
        b.throw_next_poll(std::runtime_error("b"));
        auto third = pollux::send(sink, 1);
        CHECK_THROWS_WITH(poll_once(third), "b");
    }
}
