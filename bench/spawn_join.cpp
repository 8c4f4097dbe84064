// SPDX-License-Identifier: MIT
// Spawns a task and awaits its handle, N times one after the other, inside a task: what one spawned task costs. In ns, and in
// instructions a task by callgrind (slope between two N). Against Tokio's spawn_join. It does not show contention.
#include <cstddef>

#include "heuristics.hpp"
#include "measure.hpp"
#include "pollux/runtime.hpp"

namespace {

pollux::task<int> one() { co_return 1; }

pollux::task<std::size_t> in_sequence(std::size_t n) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i != n; ++i) {
        auto handle = pollux::spawn(one());
        sum += static_cast<std::size_t>(co_await handle);
    }
    co_return sum;
}

}  // namespace

int main(int argc, char** argv) {
    bench::take_heuristics(argc, argv);
    const bench::arguments arguments(argc, argv, 100'000);
    pollux::runtime_options options;
    options.workers = arguments.workers;
    pollux::runtime runtime(options);
    const auto sum =
        bench::measure(arguments.size, [&] { return runtime.block_on(runtime.spawn(in_sequence(arguments.size))); });
    return sum == arguments.size ? 0 : 1;
}
