// SPDX-License-Identifier: MIT
// Divide and conquer with coroutines: fork_join() runs its children in parallel and waits for all of them.
//
// Unlike spawn(), it is structured: when it returns, every child has ended, so children may borrow from the parent, as `sum` does
// with the numbers. It is made for forking without restraint: the first child is called at once, the second waits for a thief,
// and if none comes it is called next. A fork that nobody steals costs about as much as a call that allocates its frame from
// a free list.
//
// The outermost sum is spawned: forks are cheapest in a task that a worker polls. Awaited below block_on() or inside a
// select() they mean the same, and each costs as much as a spawn().
//
// Next: channels.cpp lets tasks talk to each other.
//
// Prints:
//   500000500000
#include <cstdint>
#include <iostream>
#include <numeric>
#include <pollux/coro.hpp>
#include <pollux/runtime.hpp>
#include <span>
#include <vector>

namespace {

pollux::task<std::uint64_t> sum(std::span<const std::uint64_t> numbers) {
    if (numbers.size() <= 1000) co_return std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0});
    const auto middle = numbers.size() / 2;
    auto [left, right] = co_await pollux::fork_join(sum(numbers.first(middle)), sum(numbers.subspan(middle)));
    co_return left + right;
}

}  // namespace

int main() {
    std::vector<std::uint64_t> numbers(1'000'000);
    std::iota(numbers.begin(), numbers.end(), 1);
    pollux::runtime rt;
    std::cout << rt.block_on(rt.spawn(sum(numbers))) << '\n';
}
