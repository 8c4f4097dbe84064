// SPDX-License-Identifier: MIT
// Spawns N tasks and awaits their handles in order, in rounds: `spawn_many inside|outside [WORKERS [N]]`. What a spawned task costs that
// many others wait beside, more than fit into a run queue: in ns, and in instructions by callgrind (slope between two N).
//
// inside: who spawns is a task on a worker. outside: the thread of block_on, so each task goes through the injection queue.
// Against Tokio's, Asio's and Boost.Fiber's. It does not show what the tasks would do, nor many that spawn at once.
#include <cstddef>
#include <string_view>
#include <vector>

#include "heuristics.hpp"
#include "measure.hpp"
#include "pollux/runtime.hpp"

namespace {

// So that a run takes long enough to be timed.
constexpr std::size_t rounds = 20;

pollux::task<std::size_t> one() { co_return 1; }

pollux::task<std::size_t> spawn_and_await_all(std::size_t n) {
    std::vector<pollux::join_handle<std::size_t>> tasks;
    tasks.reserve(n);
    for (std::size_t i = 0; i != n; ++i) tasks.push_back(pollux::spawn(one()));
    std::size_t sum = 0;
    for (auto& task : tasks) sum += co_await task;
    co_return sum;
}

}  // namespace

int main(int argc, char** argv) {
    bench::take_heuristics(argc, argv);
    const std::string_view scenario = argc > 1 ? argv[1] : "";
    if (scenario != "inside" && scenario != "outside") {
        std::fprintf(stderr, "usage: %s inside|outside [WORKERS [N]]\n", argv[0]);
        return 2;
    }
    const bench::arguments arguments(argc - 1, argv + 1, 10'000);
    pollux::runtime_options options;
    options.workers = arguments.workers;
    pollux::runtime runtime(options);
    const auto sum = bench::measure(rounds * arguments.size, [&] {
        std::size_t ended = 0;
        for (std::size_t round = 0; round != rounds; ++round)
            ended += scenario == "inside" ? runtime.block_on(runtime.spawn(spawn_and_await_all(arguments.size)))
                                          : runtime.block_on(spawn_and_await_all(arguments.size));
        return ended;
    });
    return sum == rounds * arguments.size ? 0 : 1;
}
