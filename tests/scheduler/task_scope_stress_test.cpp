// SPDX-License-Identifier: MIT
// Scopes that end in every way at once: children that end, fail, spawn and fork, on workers that steal, and a future that is dropped.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/task_scope.hpp"
#include "pollux/runtime/yield.hpp"
#include "support/polled_times.hpp"
#include "support/tracked.hpp"
#include "support/workers.hpp"

namespace {

using pollux::scope;
using pollux::task;
using pollux::task_scope;
using pollux::test::polled_times;
using pollux::test::tracked;
using pollux::test::workers;

struct shared_by_all {
    std::atomic<int> alive = 0;
    std::atomic<int> spawned = 0;
};

unsigned below(unsigned limit, std::minstd_rand& random) { return static_cast<unsigned>(random() % limit); }

task<> works(shared_by_all& with, unsigned seed) {
    const tracked local(with.alive);
    std::minstd_rand random(seed);
    for (unsigned i = below(6, random); i != 0; --i) co_await pollux::yield_now();
}

task<> child(scope<std::string>& s, shared_by_all& with, unsigned seed, int depth, bool may_fail) {
    const tracked local(with.alive);
    ++with.spawned;
    std::minstd_rand random(seed);
    for (unsigned i = below(4, random); i != 0; --i) co_await pollux::yield_now();
    if (depth == 0) co_return;
    for (unsigned i = below(4, random); i != 0; --i) {
        const auto next = static_cast<unsigned>(random());
        switch (next % 8) {
            case 0: co_await pollux::fork_join(works(with, next), works(with, next + 1)); break;
            case 1:
                co_await task_scope([&](scope<>& inner) {
                    inner.spawn(works(with, next));
                    s.spawn(child(s, with, next, depth - 1, may_fail));
                });
                break;
            case 2: {
                auto dropped = polled_times(task_scope([&](scope<>& inner) -> task<> {
                                                inner.spawn(works(with, next));
                                                inner.spawn(works(with, next + 1));
                                                co_await works(with, next + 2);
                                            }),
                                            static_cast<int>(next / 8 % 5));
                co_await dropped;
                break;
            }
            case 3:
                if (may_fail && next / 8 % 4 == 0) throw std::runtime_error("thrown");
                if (may_fail) s.spawn([]() -> task<int, std::string> { co_return std::unexpected("error"); });
                break;
            default: s.spawn(child(s, with, next, depth - 1, may_fail));
        }
    }
}

// 0 for a value, 1 for an error, 2 for an exception; 10 more if something lives on.
task<int> runs_one(unsigned seed, bool may_fail) {
    shared_by_all with;
    int result = 2;
    try {
        const auto outcome = co_await task_scope<std::string>([&](scope<std::string>& s) {
            for (unsigned i = 0; i != 8; ++i) s.spawn(child(s, with, seed * 8 + i, 4, may_fail));
        });
        result = outcome.has_value() ? 0 : 1;
    } catch (const std::runtime_error&) {}
    co_return result + (with.alive != 0 ? 10 : 0);
}

task<int> drops_one(unsigned seed, int polls) {
    shared_by_all with;
    {
        auto dropped = polled_times(task_scope<std::string>([&](scope<std::string>& s) -> task<> {
                                        for (unsigned i = 0; i != 8; ++i) {
                                            s.spawn(child(s, with, seed * 8 + i, 4, false));
                                            co_await works(with, seed + i);
                                        }
                                    }),
                                    polls);
        co_await dropped;
    }
    co_return with.alive.load();
}

}  // namespace

TEST_SUITE("scheduler/task_scope/stress") {
    TEST_CASE("task_scope: many at once, whose children spawn, fork, fail and drop, end once and leave nobody") {
        for (const unsigned n : {1u, 2u, 4u}) {
            CAPTURE(n);
            pollux::runtime rt(workers(n));
            std::vector<pollux::join_handle<int>> scopes;
            std::vector<pollux::join_handle<int>> failing;
            std::vector<pollux::join_handle<int>> dropping;
            for (unsigned i = 0; i != 100; ++i) {
                scopes.push_back(rt.spawn(runs_one(i + 1, false)));
                failing.push_back(rt.spawn(runs_one(i + 1, true)));
                dropping.push_back(rt.spawn(drops_one(i + 1, static_cast<int>(i % 40))));
            }
            int failures = 0;
            for (auto& each : scopes) CHECK(rt.block_on(each) == 0);
            for (auto& each : failing) {
                const int how = rt.block_on(each);
                CHECK(how < 10);
                failures += how != 0 ? 1 : 0;
            }
            CHECK(failures > 0);
            for (auto& each : dropping) CHECK(rt.block_on(each) == 0);
        }
    }

    TEST_CASE("task_scope: aborted and ended with their runtime at any moment, they leave nobody") {
        for (unsigned round = 0; round != 30; ++round) {
            CAPTURE(round);
            shared_by_all with;
            {
                pollux::runtime rt(workers(1 + round % 4));
                std::vector<pollux::join_handle<>> parents;
                for (unsigned i = 0; i != 20; ++i) {
                    parents.push_back(rt.spawn([&with, i]() -> task<> {
                        for (unsigned turn = 1;; ++turn) {
                            const auto outcome = co_await task_scope<std::string>([&](scope<std::string>& s) -> task<> {
                                for (unsigned k = 0; k != 4; ++k) s.spawn(child(s, with, turn * i + k, 3, false));
                                co_await works(with, turn);
                            });
                            if (!outcome.has_value()) co_return;
                        }
                    }));
                }
                while (with.spawned < 500) rt.block_on(pollux::yield_now());
                for (std::size_t i = 0; i < parents.size(); i += 2) parents[i].abort();
            }
            CHECK(with.alive == 0);
        }
    }
}
