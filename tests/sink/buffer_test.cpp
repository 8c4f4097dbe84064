// SPDX-License-Identifier: MIT
#include "pollux/sink/buffer.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/sink/flush.hpp"
#include "pollux/sink/send.hpp"
#include "pollux/sink/send_all.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/limited_poll.hpp"
#include "support/scripted_sink.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::test::poll_with;
using pollux::test::scripted_sink;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using numbers = std::vector<int>;

// Sends without flushing. Whether the sink was ready.
template <class K>
bool feed(K& sink, int item) {
    pollux::context cx(pollux::noop_waker());
    if (!sink.poll_ready(cx).has_value()) return false;
    static_cast<void>(sink.start_send(item));
    return true;
}

}  // namespace

TEST_SUITE("sink/buffer") {
    TEST_CASE("buffer: takes n items more than the sink, and hands them on in order") {
        scripted_sink<int> target(1);
        auto sink = target.sink() | pollux::buffer(2);
        static_assert(pollux::sink<decltype(sink), int>);
        target.shut();
        CHECK(feed(sink, 1));
        CHECK(feed(sink, 2));
        CHECK(target.held() == numbers{1});
        CHECK(feed(sink, 3));
        CHECK_FALSE(feed(sink, 4));
        target.open();
        CHECK(feed(sink, 4));
        CHECK(feed(sink, 5));
        auto fut = pollux::flush(sink);
        CHECK(poll_once(fut).has_value());
        CHECK(target.written() == numbers{1, 2, 3, 4, 5});
    }

    TEST_CASE("buffer: of 0 is the sink itself, and allocates nothing") {
        scripted_sink<int> target(1);
        const pollux::test::allocation_counter before;
        auto sink = pollux::buffer(target.sink(), 0);
        CHECK(before.count() == 0);
        target.shut();
        CHECK(feed(sink, 1));
        CHECK(target.held() == numbers{1});
        CHECK_FALSE(feed(sink, 2));
        target.open();
        auto fut = pollux::close(sink);
        CHECK(poll_once(fut).has_value());
        CHECK(target.is_closed());
    }

    TEST_CASE("buffer: a full one waits, and is woken when the sink is ready") {
        scripted_sink<int> target(1);
        auto sink = target.sink() | pollux::buffer(1);
        target.shut();
        pollux::test::wake_counter waker;
        CHECK(feed(sink, 1));
        CHECK(feed(sink, 2));
        auto fut = pollux::send(sink, 3);
        assert_pending(poll_with(fut, waker));
        target.open();
        CHECK(waker.count() == 1);
        CHECK(poll_with(fut, waker).has_value());
        CHECK(target.written() == numbers{1, 2, 3});
    }

    TEST_CASE("buffer: flush and close empty it first") {
        scripted_sink<int> target(4);
        auto sink = target.sink() | pollux::buffer(2);
        CHECK(feed(sink, 1));
        CHECK(target.held().empty());
        auto flushing = pollux::flush(sink);
        CHECK(poll_once(flushing).has_value());
        CHECK(target.written() == numbers{1});
        CHECK(feed(sink, 2));
        target.shut();
        auto closing = pollux::close(sink);
        assert_pending(poll_once(closing));
        CHECK(target.held() == numbers{2});
        target.open();
        CHECK(poll_once(closing).has_value());
        CHECK(target.written() == numbers{1, 2});
        CHECK(target.is_closed());
    }

    TEST_CASE("buffer: an error or an exception of the sink comes out; the items behind it stay") {
        scripted_sink<int, std::string> target(4);
        auto sink = target.sink() | pollux::buffer(3);
        CHECK(feed(sink, 1));
        target.fail_next_start("refused");
        auto first = pollux::flush(sink);
        CHECK(assert_ready(poll_once(first)).error() == "refused");
        CHECK(feed(sink, 2));
        target.fail_next_poll("not ready");
        pollux::context cx(pollux::noop_waker());
        CHECK(sink.poll_ready(cx).error() == "not ready");
        target.throw_next_poll(std::runtime_error("sink"));
        CHECK_THROWS_WITH(sink.poll_ready(cx), "sink");
        auto second = pollux::flush(sink);
        CHECK(assert_ready(poll_once(second)).has_value());
        CHECK(target.written() == numbers{2});
    }

    TEST_CASE("buffer: destroyed, it destroys the items in it; they may be move-only") {
        scripted_sink<std::shared_ptr<int>> target(1);
        auto item = std::make_shared<int>(1);
        {
            auto sink = target.sink() | pollux::buffer(2);
            pollux::context cx(pollux::noop_waker());
            CHECK(sink.poll_ready(cx).has_value());
            sink.start_send(item);
            CHECK(item.use_count() == 2);
        }
        CHECK(item.use_count() == 1);
        CHECK_FALSE(target.is_alive());
        scripted_sink<std::unique_ptr<int>> other(1);
        auto sink = other.sink() | pollux::buffer(1);
        auto fut = pollux::send(sink, std::make_unique<int>(3));
        CHECK(poll_once(fut).has_value());
        CHECK(other.written().size() == 1);
    }

    TEST_CASE("buffer: allocates once, for the first item") {
        scripted_sink<int> target(64);
        auto sink = target.sink() | pollux::buffer(8);
        target.shut();
        const pollux::test::allocation_counter allocations;
        CHECK(feed(sink, 0));
        CHECK(allocations.count() == 1);
    }

    TEST_CASE("buffer: handing on many items yields when the budget is spent") {
        scripted_sink<int> target(1);
        auto sink = target.sink() | pollux::buffer(8);
        target.shut();
        for (int n = 0; n != 7; ++n) CHECK(feed(sink, n));
        target.open();
        pollux::testing::counting_waker waker;
        auto fut = pollux::flush(sink);
        assert_pending(pollux::test::poll_within(fut, 2, waker.waker()));
        CHECK(waker.count() == 1);
        CHECK(target.written().size() + target.held().size() == 4);
        CHECK(poll_once(fut).has_value());
        CHECK(target.written() == numbers{0, 1, 2, 3, 4, 5, 6});
    }
}
