// SPDX-License-Identifier: MIT
// Random fork trees whose children yield, wait for other threads, throw, and are aborted or dropped at any moment. A tree that is
// left alone has a checksum; whatever happens, nothing may be left alive.
#include "pollux/coro/fork_all.hpp"
#include "pollux/coro/fork_join.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/coro/task.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/select.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/time/sleep.hpp"
#include "support/manual_event.hpp"
#include "support/mixed.hpp"
#include "support/tracked.hpp"

namespace {

using pollux::fork_join;
using pollux::task;
using pollux::test::mixed;
using pollux::test::tracked;
using namespace std::chrono_literals;

pollux::runtime_options workers(unsigned n, std::uint64_t seed) {
    pollux::runtime_options options;
    options.workers = n;
    options.seed = seed;
    return options;
}

struct node_failed : std::runtime_error {
    explicit node_failed(std::uint64_t which) : std::runtime_error("node"), node(which) {}
    std::uint64_t node;
};

// What a node adds: its own number, or 1 where a child has thrown.
std::uint64_t expected_sum(std::uint64_t node, int depth);
bool fails(std::uint64_t node) { return mixed(node) % 13 == 0; }
int child_count(std::uint64_t node, int depth) { return depth == 0 ? 0 : static_cast<int>(mixed(node) / 16 % 4); }
std::uint64_t child_of(std::uint64_t node, int i) { return mixed(node * 8 + static_cast<std::uint64_t>(i) + 1); }

// The sum of a node's subtree, or nothing if it throws.
std::uint64_t expected_sum(std::uint64_t node, int depth) {
    std::uint64_t sum = node;
    const int children = child_count(node, depth);
    bool has_failed = false;
    for (int i = 0; i != children; ++i) {
        const std::uint64_t child = child_of(node, i);
        if (fails(child))
            has_failed = true;
        else if (!has_failed)
            sum += expected_sum(child, depth - 1);
    }
    return has_failed ? node + 1 : sum;
}

task<std::uint64_t> tree(std::uint64_t node, int depth, std::atomic<int>& alive) {
    const tracked local(alive);
    const std::uint64_t kind = mixed(node ^ 77) % 16;
    if (kind < 3) co_await pollux::yield_now();
    if (kind == 3) co_await pollux::sleep_for(std::chrono::microseconds(node % 200));
    std::uint64_t sum = node;
    try {
        switch (child_count(node, depth)) {
            case 0: break;
            case 1: {
                const auto [a] = co_await fork_join(tree(child_of(node, 0), depth - 1, alive));
                sum += a;
                break;
            }
            case 2: {
                const auto [a, b] = co_await fork_join(tree(child_of(node, 0), depth - 1, alive),
                                                       tree(child_of(node, 1), depth - 1, alive));
                sum += a + b;
                break;
            }
            default: {
                std::vector<task<std::uint64_t>> children;
                for (int i = 0; i != 3; ++i) children.push_back(tree(child_of(node, i), depth - 1, alive));
                const auto sums = co_await pollux::fork_all(std::move(children));
                for (const auto one : sums) sum += one;
                break;
            }
        }
    } catch (const node_failed&) {
        sum = node + 1;
    }
    if (kind == 4) co_await pollux::yield_now();
    if (fails(node)) throw node_failed(node);
    co_return sum;
}

std::uint64_t root_that_succeeds(std::uint64_t seed) {
    while (fails(seed)) ++seed;
    return seed;
}

}  // namespace

TEST_SUITE("coro/fork_join_stress") {
    TEST_CASE("fork_join: random trees give their checksum, directly and below a join") {
        for (const unsigned n : {1u, 2u, 4u}) {
            std::atomic<int> alive = 0;
            pollux::runtime rt(workers(n, n));
            for (std::uint64_t seed = 1; seed != 25; ++seed) {
                CAPTURE(n);
                CAPTURE(seed);
                const std::uint64_t root = root_that_succeeds(seed * 1000);
                const std::uint64_t expected = expected_sum(root, 9);
                CHECK(rt.block_on(rt.spawn(tree(root, 9, alive))) == expected);
                const auto below = rt.block_on(rt.spawn(pollux::join(tree(root, 6, alive), tree(root, 5, alive))));
                CHECK(std::get<0>(below) == expected_sum(root, 6));
                CHECK(std::get<1>(below) == expected_sum(root, 5));
                CHECK(rt.block_on(tree(root, 5, alive)) == expected_sum(root, 5));
                CHECK(alive == 0);
            }
        }
    }

    TEST_CASE("fork_join: several random trees at once, some aborted at any moment") {
        for (const unsigned n : {1u, 2u, 4u}) {
            std::atomic<int> alive = 0;
            pollux::runtime rt(workers(n, n));
            for (std::uint64_t round = 0; round != 30; ++round) {
                CAPTURE(n);
                CAPTURE(round);
                std::vector<pollux::join_handle<std::uint64_t>> handles;
                std::vector<std::uint64_t> expected;
                for (std::uint64_t i = 0; i != 12; ++i) {
                    const std::uint64_t root = root_that_succeeds(round * 100 + i * 7);
                    expected.push_back(expected_sum(root, 7));
                    handles.push_back(rt.spawn(tree(root, 7, alive)));
                }
                for (std::size_t i = 0; i < handles.size(); i += 2) {
                    for (std::uint64_t k = 0; k != mixed(round + i) % 64; ++k) std::this_thread::yield();
                    handles[i].abort();
                }
                for (std::size_t i = 0; i != handles.size(); ++i) {
                    std::uint64_t sum = 0;
                    bool was_cancelled = false;
                    try {
                        sum = rt.block_on(handles[i]);
                    } catch (const pollux::task_cancelled&) {
                        was_cancelled = true;
                    }
                    if (i % 2 == 1) CHECK_FALSE(was_cancelled);
                    if (!was_cancelled) CHECK(sum == expected[i]);
                }
                CHECK(alive == 0);
            }
        }
    }

    TEST_CASE("fork_join: below a select, trees are dropped at any moment") {
        for (const unsigned n : {1u, 2u, 4u}) {
            std::atomic<int> alive = 0;
            pollux::runtime rt(workers(n, n));
            auto yields = [](std::uint64_t times) -> task<int> {
                for (std::uint64_t i = 0; i != times; ++i) co_await pollux::yield_now();
                co_return 1;
            };
            auto drops = [&yields](std::uint64_t root, std::atomic<int>& count) -> task<std::uint64_t> {
                std::uint64_t ended = 0;
                for (std::uint64_t i = 0; i != 5; ++i) {
                    const auto which = co_await pollux::select(tree(root, 6, count), yields(mixed(root + i) % 8));
                    ended += which.index();
                }
                co_return ended;
            };
            for (std::uint64_t round = 0; round != 30; ++round) {
                std::vector<pollux::join_handle<std::uint64_t>> handles;
                for (std::uint64_t i = 0; i != 8; ++i)
                    handles.push_back(rt.spawn(drops(root_that_succeeds(round * 64 + i), alive)));
                for (auto& each : handles) static_cast<void>(rt.block_on(each));
                CHECK(alive == 0);
            }
        }
    }

    TEST_CASE("fork_join: the runtime ends in the middle of trees") {
        for (std::uint64_t round = 0; round != 60; ++round) {
            CAPTURE(round);
            std::atomic<int> alive = 0;
            {
                pollux::runtime rt(workers(1 + round % 4, round + 1));
                for (std::uint64_t i = 0; i != 6; ++i) {
                    const std::uint64_t root = root_that_succeeds(round * 100 + i);
                    if (i % 3 == 0)
                        rt.spawn(pollux::join(tree(root, 7, alive))).detach();
                    else
                        rt.spawn(tree(root, 8, alive)).detach();
                }
                for (std::uint64_t k = 0; k != mixed(round) % 200; ++k) std::this_thread::yield();
            }
            CHECK(alive == 0);
        }
    }

    TEST_CASE("fork_join: other threads wake children that wait, while the task is aborted") {
        for (std::uint64_t round = 0; round != 200; ++round) {
            CAPTURE(round);
            std::atomic<int> alive = 0;
            pollux::test::manual_event first;
            pollux::test::manual_event second;
            auto waits = [](pollux::test::manual_event event, std::atomic<int>& count) -> task<int> {
                const tracked local(count);
                auto fut = event.wait();
                co_await fut;
                co_return 1;
            };
            auto both = [&](std::atomic<int>& count) -> task<int> {
                const auto [a, b] = co_await fork_join(waits(first, count), waits(second, count));
                co_return a + b;
            };
            pollux::runtime rt(workers(2, round + 1));
            auto handle = rt.spawn(both(alive));
            while (first.polls() == 0 || second.polls() == 0) std::this_thread::yield();
            std::thread waker([&] {
                first.set();
                second.set();
            });
            if (round % 2 == 0) handle.abort();
            int result = 2;
            try {
                result = rt.block_on(handle);
            } catch (const pollux::task_cancelled&) {
                CHECK(round % 2 == 0);
            }
            waker.join();
            CHECK(result == 2);
            CHECK(alive == 0);
        }
    }
}
