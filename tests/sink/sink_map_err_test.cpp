// SPDX-License-Identifier: MIT
#include "pollux/sink/sink_map_err.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/sink/flush.hpp"
#include "pollux/sink/send.hpp"
#include "pollux/testing/poll.hpp"
#include "support/scripted_sink.hpp"

namespace {

using pollux::test::scripted_sink;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("sink/sink_map_err") {
    TEST_CASE("sink_map_err: turns each error, from wherever it comes, in both forms") {
        scripted_sink<int, int> target;
        auto sink = target.sink() | pollux::sink_map_err([](int n) { return std::to_string(n); });
        static_assert(pollux::sink<decltype(sink), int>);
        static_assert(std::is_same_v<decltype(sink)::error_type, std::string>);
        target.fail_next_poll(1);
        auto first = pollux::send(sink, 7);
        CHECK(assert_ready(poll_once(first)).error() == "1");
        target.fail_next_start(2);
        auto second = pollux::send(sink, 7);
        CHECK(assert_ready(poll_once(second)).error() == "2");
        target.fail_next_poll(3);
        auto third = pollux::close(sink);
        CHECK(assert_ready(poll_once(third)).error() == "3");
        scripted_sink<int, int> other;
        auto called = pollux::sink_map_err(other.sink(), [](int n) { return n + 1; });
        other.fail_next_poll(4);
        auto fourth = pollux::flush(called);
        CHECK(assert_ready(poll_once(fourth)).error() == 5);
    }

    TEST_CASE("sink_map_err: values and pending pass without a call") {
        scripted_sink<int, int> target;
        int calls = 0;
        auto sink = target.sink() | pollux::sink_map_err([&calls](int n) {
                        ++calls;
                        return n;
                    });
        target.shut();
        auto fut = pollux::send(sink, 1);
        assert_pending(poll_once(fut));
        target.open();
        CHECK(assert_ready(poll_once(fut)).has_value());
        CHECK(target.written() == std::vector<int>{1});
        CHECK(calls == 0);
    }

    TEST_CASE("sink_map_err: an exception of the function comes out of the poll") {
        scripted_sink<int, int> target;
        auto sink = target.sink() | pollux::sink_map_err([](int) -> int { throw std::runtime_error("fn"); });
        target.fail_next_poll(1);
        auto fut = pollux::send(sink, 1);
        CHECK_THROWS_WITH(poll_once(fut), "fn");
    }
}
