// SPDX-License-Identifier: MIT
// The ways in which a coroutine that forks is run, where each fork has to mean the same in all of them; and a child.
#pragma once

#include <tuple>
#include <utility>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/join.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "support/workers.hpp"

namespace pollux::test {

enum class way { spawned, in_block_on, below_join, without_runtime };
inline constexpr way all_ways[] = {way::spawned, way::in_block_on, way::below_join, way::without_runtime};

/// Where there is a runtime it has `n` workers.
template <class T, class E>
auto run_by(way how, unsigned n, task<T, E> work) {
    if (how == way::without_runtime) return block_on(std::move(work));
    runtime rt(workers(n));
    if (how == way::spawned) return rt.block_on(rt.spawn(std::move(work)));
    if (how == way::in_block_on) return rt.block_on(std::move(work));
    return std::get<0>(rt.block_on(rt.spawn(join(std::move(work), yield_now()))));
}

inline task<int> yields(int times, int value) {
    for (int i = 0; i != times; ++i) co_await yield_now();
    co_return value;
}

}  // namespace pollux::test
