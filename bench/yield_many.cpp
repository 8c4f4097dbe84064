// SPDX-License-Identifier: MIT
// 200 tasks yield N times each: what it costs that a task lets all others go first, so a wake-up of itself, the back of the run queue and
// a poll. In ns, and in instructions a yield by callgrind (slope between two N, over 200). Against Tokio's, Asio's and Boost.Fiber's. The
// tasks fit into one run queue: it does not show overflow.
#include <cstddef>
#include <vector>

#include "pollux/runtime.hpp"
#include "program.hpp"

namespace {

constexpr std::size_t tasks = 200;

pollux::task<std::size_t> yields(std::size_t n) {
    for (std::size_t i = 0; i != n; ++i) co_await pollux::yield_now();
    co_return n;
}

pollux::task<std::size_t> scenario(std::size_t n) {
    std::vector<pollux::join_handle<std::size_t>> yielding;
    yielding.reserve(tasks);
    for (std::size_t i = 0; i != tasks; ++i) yielding.push_back(pollux::spawn(yields(n)));
    std::size_t sum = 0;
    for (auto& task : yielding) sum += co_await task;
    co_return sum;
}

}  // namespace

int main(int argc, char** argv) {
    bench::program program(argc, argv, 1'000);
    const std::size_t yielded = tasks * program.size();
    const auto sum = bench::measure(yielded, [&] { return program.on_worker(scenario(program.size())); });
    return sum == yielded ? 0 : 1;
}
