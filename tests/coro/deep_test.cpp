// SPDX-License-Identifier: MIT
// What must not grow the stack: awaits that finish at once, chains of awaits that are suspended, resumed, thrown through and
// destroyed, and nested forks. In every build type: nothing here relies on tail calls.
#include "pollux/coro/task.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"
#include "support/small_stack.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::test::manual;
using pollux::test::on_small_stack;
using pollux::test::workers;
using pollux::testing::poll_once;

constexpr int ready_awaits = 10'000'000;
constexpr int chain_frames = 1'000'000;
constexpr int folds = 100'000;

// Where the stack is, at each call.
struct stack_range {
    std::uintptr_t lowest = ~std::uintptr_t{0};
    std::uintptr_t highest = 0;

    [[gnu::noinline]] void note() {
        const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
        lowest = std::min(lowest, here);
        highest = std::max(highest, here);
    }
    std::uintptr_t bytes() const { return highest - lowest; }
};

task<int> ends_at_once(stack_range& range, int n) {
    if ((n & 1023) == 0) range.note();
    co_return n & 1;
}

task<int> awaits_tasks(stack_range& range, int times) {
    int sum = 0;
    for (int i = 0; i != times; ++i) {
        const int one = co_await ends_at_once(range, i);
        sum += one;
    }
    co_return sum;
}

task<int> awaits_ready(int times) {
    int sum = 0;
    for (int i = 0; i != times; ++i) {
        const int one = co_await pollux::ready(1);
        sum += one;
    }
    co_return sum;
}

task<int> chain(int depth, manual<>::future_type& leaf, stack_range& range) {
    if (depth == 0) {
        co_await leaf;
        range.note();
        co_return 1;
    }
    const int below = co_await chain(depth - 1, leaf, range);
    if ((depth & 1023) == 0) range.note();
    co_return below + 1;
}

task<int, std::string> try_chain(int depth, manual<int, std::string>::future_type& leaf) {
    if (depth == 0) {
        const int n = co_await pollux::try_(leaf);
        co_return n;
    }
    const int below = co_await pollux::try_(try_chain(depth - 1, leaf));
    co_return below + 1;
}

task<int> throws_through(int depth, manual<>::future_type& leaf, std::atomic<int>& frames) {
    struct counted {
        std::atomic<int>& frames;
        explicit counted(std::atomic<int>& count) : frames(count) { ++frames; }
        counted(const counted&) = delete;
        ~counted() { --frames; }
    } const local(frames);
    if (depth == 0) {
        co_await leaf;
        throw std::runtime_error("from the bottom");
    }
    const int below = co_await throws_through(depth - 1, leaf, frames);
    co_return below;
}

task<int> forks_deep(int depth) {
    if (depth == 0) co_return 1;
    const auto [deep, flat] = co_await pollux::fork_join(forks_deep(depth - 1), forks_deep(0));
    co_return deep + flat;
}
task<int> forks_deep_last(int depth) {
    if (depth == 0) co_return 1;
    const auto [flat, deep] = co_await pollux::fork_join(forks_deep_last(0), forks_deep_last(depth - 1));
    co_return deep + flat;
}

struct counted_end {
    int& ended;
    explicit counted_end(int& count) : ended(count) {}
    counted_end(counted_end&& other) noexcept : ended(other.ended), counts(std::exchange(other.counts, false)) {}
    ~counted_end() { ended += counts ? 1 : 0; }
    bool counts = true;
};

task<> after(task<> first, [[maybe_unused]] counted_end end) { co_await std::move(first); }

task<> folded(int depth, int& ended) {
    task<> all = after([]() -> task<> { co_return; }(), counted_end(ended));
    for (int i = 1; i != depth; ++i) all = after(std::move(all), counted_end(ended));
    return all;
}

// Says its number when it ends.
struct named_end {
    std::vector<int>& ends;
    int name;
    named_end(std::vector<int>& in, int number) : ends(in), name(number) {}
    named_end(named_end&& other) noexcept : ends(other.ends), name(std::exchange(other.name, 0)) {}
    ~named_end() {
        if (name != 0) ends.push_back(name);
    }
};

task<> leaf([[maybe_unused]] named_end end) { co_return; }
task<> branch([[maybe_unused]] named_end end, task<> left, task<> right) {
    co_await std::move(left);
    co_await std::move(right);
}
task<> below(int levels, task<> last) {
    for (int i = 0; i != levels; ++i) last = [](task<> next) -> task<> { co_await std::move(next); }(std::move(last));
    return last;
}

}  // namespace

TEST_SUITE("coro/deep") {
    TEST_CASE("co_await: ten million tasks that end at once stay on a flat stack") {
        stack_range range;
        CHECK(on_small_stack([&] { return pollux::block_on(awaits_tasks(range, ready_awaits)); }) == ready_awaits / 2);
        CHECK(range.bytes() < 4096);
    }

    TEST_CASE("co_await: ten million ready futures stay on a flat stack") {
        CHECK(on_small_stack([] { return pollux::block_on(awaits_ready(ready_awaits)); }) == ready_awaits);
    }

    TEST_CASE("co_await: a chain suspended a million deep is polled, and destroyed, on a flat stack") {
        stack_range range;
        const bool is_gone = on_small_stack([&] {
            manual<> leaf;
            auto waited_for = leaf.future();
            {
                auto fut = chain(chain_frames, waited_for, range);
                const bool is_pending = poll_once(fut).is_pending() && poll_once(fut).is_pending();
                if (!is_pending || leaf.polls() != 2) return false;
            }
            return range.highest == 0;
        });
        CHECK(is_gone);
    }

    // A fold of 600,000 overflowed 8 MiB of stack, one of these a small one: each frame was destroyed inside the one that had it as a parameter.
    TEST_CASE(
        "task: a hundred thousand that are each other's parameters are dropped before their first poll on a flat "
        "stack") {
        int ended = 0;
        const bool is_built = on_small_stack([&] {
            const auto fut = folded(folds, ended);
            return ended == 0;
        });
        CHECK(is_built);
        CHECK(ended == folds);
    }

    TEST_CASE(
        "abort: a hundred thousand that are each other's parameters are destroyed before their first poll on a flat "
        "stack") {
        int ended = 0;
        const bool is_spawned = on_small_stack([&] {
            pollux::current_thread_runtime rt;
            auto handle = rt.spawn(folded(folds, ended));
            handle.abort();
            rt.run_until_stalled();
            return ended == folds && handle.is_finished();
        });
        CHECK(is_spawned);
        CHECK(ended == folds);
    }

    TEST_CASE("task: parameters that were not polled end one after the other, each with all that is its own") {
        std::vector<int> ends;
        {
            const auto fut = branch({ends, 1}, branch({ends, 2}, leaf({ends, 3}), leaf({ends, 4})), leaf({ends, 5}));
            CHECK(ends.empty());
        }
        const std::vector last_first{5, 4, 3, 2, 1}, first_first{1, 2, 3, 4, 5};  // clang, g++
        const bool is_in_order = ends == last_first || ends == first_first;
        CHECK(is_in_order);
    }

    TEST_CASE("task: parameters at a great depth end right behind the task that has them, before its neighbours") {
        std::vector<int> ends;
        {
            auto tree = branch({ends, 1}, branch({ends, 2}, leaf({ends, 3}), leaf({ends, 4})),
                               branch({ends, 5}, leaf({ends, 6}), leaf({ends, 7})));
            const auto fut = branch({ends, 8}, leaf({ends, 9}), below(100, std::move(tree)));
            CHECK(ends.empty());
        }
        const std::vector last_first{1, 5, 7, 6, 2, 4, 3, 9, 8}, first_first{8, 9, 1, 2, 3, 4, 5, 6, 7};  // clang, g++
        const bool is_in_order = ends == last_first || ends == first_first;
        CHECK(is_in_order);
    }

    TEST_CASE("co_await: a chain suspended a million deep ends on a flat stack") {
        stack_range range;
        const int result = on_small_stack([&] {
            manual<> leaf;
            auto waited_for = leaf.future();
            auto fut = chain(chain_frames, waited_for, range);
            if (poll_once(fut).is_ready()) return -1;
            leaf.complete(pollux::polled<>::ready());
            return poll_once(fut).take();
        });
        CHECK(result == chain_frames + 1);
        CHECK(range.bytes() < 4096);
    }

    TEST_CASE("try_: an error ends a chain a hundred thousand deep on a flat stack") {
        const std::string error = on_small_stack([] {
            manual<int, std::string> leaf;
            auto waited_for = leaf.future();
            auto fut = try_chain(100'000, waited_for);
            if (poll_once(fut).is_ready()) return std::string("ready");
            leaf.complete(std::unexpected("error"));
            return poll_once(fut).take().error();
        });
        CHECK(error == "error");
    }

    TEST_CASE("co_await: an exception goes through a chain a hundred thousand deep on a flat stack") {
        std::atomic<int> frames = 0;
        const int alive_before = on_small_stack([&] {
            manual<> leaf;
            auto waited_for = leaf.future();
            auto fut = throws_through(100'000, waited_for, frames);
            if (poll_once(fut).is_ready()) return -1;
            const int alive = frames;
            leaf.complete(pollux::polled<>::ready());
            try {
                static_cast<void>(poll_once(fut));
            } catch (const std::runtime_error&) {
                return alive;
            }
            return -1;
        });
        CHECK(alive_before == 100'001);
        CHECK(frames == 0);
    }

    TEST_CASE("fork_join: two thousand nested forks, first and last child, with and without a runtime") {
        for (const unsigned n : {1u, 2u}) {
            pollux::runtime rt(workers(n));
            CHECK(rt.block_on(rt.spawn(forks_deep(2000))) == 2001);
            CHECK(rt.block_on(rt.spawn(forks_deep_last(2000))) == 2001);
        }
    }
}
