// SPDX-License-Identifier: MIT
#include "pollux/time/throttle.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "pollux/coro/async_stream.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/stream/boxed.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "support/drain.hpp"

using namespace std::chrono_literals;
using pollux::async_stream;
using pollux::task;
using pollux::throttle;
using pollux::testing::sim_runtime;

namespace {

async_stream<int> with_gaps_of(std::chrono::milliseconds gap, int n) {
    for (int i = 1; i <= n; ++i) {
        co_await pollux::sleep_for(gap);
        co_yield i;
    }
}

async_stream<int, std::string> with_error() {
    co_yield 1;
    co_yield std::unexpected("e");
    co_yield std::unexpected("f");
    co_yield 2;
}

template <class S>
task<std::string> told(S items) {
    const auto start = pollux::clock::now();
    std::string text;
    while (auto item = co_await pollux::next(items)) {
        const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(pollux::clock::now() - start).count();
        if constexpr (requires { item->has_value(); })
            text += item->has_value() ? std::to_string(**item) : item->error();
        else
            text += std::to_string(*item);
        text += "@" + std::to_string(at) + " ";
    }
    co_return text;
}

}  // namespace

TEST_SUITE("time/throttle") {
    TEST_CASE("throttle: the first item at once, the others at least that far apart, in both forms") {
        sim_runtime rt(1);
        CHECK(rt.block_on(rt.spawn(told(throttle(pollux::iter({1, 2, 3}), 10ms)))) == "1@0 2@10 3@20 ");
        CHECK(rt.block_on(rt.spawn(told(pollux::iter({1, 2}) | throttle(10ms)))) == "1@0 2@10 ");
    }

    TEST_CASE("throttle: does not poll its source in a pause, so a wait there begins after it") {
        sim_runtime rt(1);
        CHECK(rt.block_on(rt.spawn(told(with_gaps_of(15ms, 3) | throttle(10ms)))) == "1@15 2@40 3@65 ");
    }

    TEST_CASE("throttle: an error is not held up after an error, and no pause begins with it") {
        sim_runtime rt(1);
        CHECK(rt.block_on(rt.spawn(told(with_error() | throttle(10ms)))) == "1@0 e@10 f@10 2@10 ");
    }

    TEST_CASE("throttle: a pause of zero needs no runtime") {
        auto items = pollux::iter({1, 2, 3}) | throttle(0s);
        CHECK(pollux::test::drain(items).size() == 3);
    }
}
