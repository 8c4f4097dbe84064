// SPDX-License-Identifier: MIT
// What a source has that includes this header of users' alone.
#include "pollux/coro.hpp"

#include <doctest/doctest.h>

namespace {

pollux::async_stream<int> counts(int n) {
    for (int i = 1; i <= n; ++i) co_yield i;
}

pollux::task<int> sum_of(pollux::async_stream<int> numbers) {
    int sum = 0;
    while (auto item = co_await pollux::next(numbers)) sum += *item;
    co_return sum;
}

}  // namespace

TEST_SUITE("coro") {
    // `next` had to be included with the streams.
    TEST_CASE("coro.hpp: has the loop over a stream") { CHECK(pollux::block_on(sum_of(counts(4))) == 10); }
}
