// SPDX-License-Identifier: MIT
// A task spawns the next one and ends, N deep, in rounds; the last one says so to who has begun. What a task costs whose data are warm
// and which nobody awaits: in ns, and in instructions a level by callgrind (slope between two N). Against Tokio's. With two workers it
// shows whether the other one is left alone.
#include <cstddef>
#include <utility>

#include "pollux/runtime.hpp"
#include "pollux/sync.hpp"
#include "program.hpp"

namespace {

namespace oneshot = pollux::sync::oneshot;

// So that a run takes long enough to be timed.
constexpr std::size_t rounds = 100;

pollux::task<> step(oneshot::sender<std::size_t> done, std::size_t level, std::size_t depth) {
    if (level == depth)
        static_cast<void>(done.send(level));
    else
        pollux::spawn(step(std::move(done), level + 1, depth)).detach();
    co_return;
}

pollux::task<std::size_t> scenario(std::size_t depth) {
    auto [tx, rx] = oneshot::channel<std::size_t>();
    pollux::spawn(step(std::move(tx), 0, depth)).detach();
    const auto reached = co_await std::move(rx);
    co_return reached.value_or(0);
}

}  // namespace

int main(int argc, char** argv) {
    bench::program program(argc, argv, 1'000);
    const std::size_t levels = rounds * program.size();
    const auto sum =
        bench::measure(levels, [&] { return program.in_rounds(rounds, [&] { return scenario(program.size()); }); });
    return sum == levels ? 0 : 1;
}
