// SPDX-License-Identifier: MIT
// Spawns a task and awaits its handle, N times one after the other, inside a task: what one spawned task costs. In ns, and in
// instructions a task by callgrind (slope between two N). Against Tokio's spawn_join. It does not show contention.
#include <cstddef>

#include "pollux/runtime.hpp"
#include "program.hpp"

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
    bench::program program(argc, argv, 100'000);
    const auto sum = bench::measure(program.size(), [&] { return program.on_worker(in_sequence(program.size())); });
    return sum == program.size() ? 0 : 1;
}
