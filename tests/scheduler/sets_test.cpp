// SPDX-License-Identifier: MIT
// Sets of futures inside a runtime: what they take from the heap, and that a set of ready futures lets other tasks run.
#include "pollux/stream/futures_unordered.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/future/select_all.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/spawn.hpp"
#include "pollux/stream/buffer_unordered.hpp"
#include "pollux/stream/futures_ordered.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/map.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/heap_counter.hpp"

namespace {

using pollux::testing::assert_ready;
using pollux::testing::poll_once;
using number = decltype(pollux::ready(1));

pollux::task<int> sum_of(pollux::futures_unordered<number>& set) {
    int sum = 0;
    while (auto one = co_await pollux::next(set)) sum += *one;
    co_return sum;
}

pollux::task<> look(const pollux::futures_unordered<number>& set, std::size_t& seen) {
    seen = set.size();
    co_return;
}

}  // namespace

TEST_SUITE("scheduler/sets") {
    TEST_CASE(
        "futures_unordered: an allocation for each future and one for the set, none for one that comes after another") {
        pollux::futures_unordered<number> set;
        const pollux::test::heap_counter heap;
        for (int i = 0; i < 100; ++i) set.push(pollux::ready(int(i)));
        CHECK(heap.by_this_thread() == 101);
        for (int i = 0; i < 1000; ++i) {
            static_cast<void>(assert_ready(poll_once(set)));
            set.push(pollux::ready(int(i)));
        }
        CHECK(heap.by_this_thread() == 101);
        CHECK(set.size() == 100);
    }

    TEST_CASE("futures_ordered: an allocation for each future and one for the set") {
        pollux::futures_ordered<number> set;
        const pollux::test::heap_counter heap;
        for (int i = 0; i < 100; ++i) set.push(pollux::ready(int(i)));
        CHECK(heap.by_this_thread() == 101);
    }

    TEST_CASE("select_all: an allocation for each future and one more, none when it is ready") {
        std::vector<number> futures(100, pollux::ready(1));
        const pollux::test::heap_counter heap;
        auto fut = pollux::select_all(std::move(futures));
        CHECK(heap.by_this_thread() == 101);
        CHECK(assert_ready(poll_once(fut)).rest.size() == 99);
        CHECK(heap.by_this_thread() == 101);
    }

    TEST_CASE("buffer_unordered: allocates for what is in flight and for no item after that") {
        auto source = pollux::iter(std::vector<int>(1000, 1)) | pollux::map([](int n) { return pollux::ready(n); }) |
                      pollux::buffer_unordered(8);
        const pollux::test::heap_counter heap;
        int sum = 0;
        while (auto item = assert_ready(poll_once(source))) sum += *item;
        CHECK(sum == 1000);
        CHECK(heap.by_this_thread() == 9);
    }

    TEST_CASE("futures_unordered: a thousand futures that are ready let another task run") {
        pollux::current_thread_runtime runtime;
        pollux::futures_unordered<number> set;
        for (int i = 0; i < 1000; ++i) set.push(pollux::ready(1));
        std::size_t seen = 0;
        auto sum = runtime.spawn(sum_of(set));
        auto other = runtime.spawn(look(set, seen));
        CHECK(runtime.block_on(std::move(sum)) == 1000);
        runtime.block_on(std::move(other));
        CHECK(seen > 0);
        CHECK(seen < 1000);
    }
}
