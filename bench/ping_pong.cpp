// SPDX-License-Identifier: MIT
// N pairs of tasks at once, in rounds: one makes two oneshot channels and spawns the other, sends it a ping and awaits its pong; the
// last pair says that all are done. A pair is two spawns, two channels, two wake-ups. In ns, and in instructions by callgrind (slope
// between two N). Against Tokio's, Asio's and Boost.Fiber's. With two workers it shows where the two tasks of a pair meet, too.
#include <atomic>
#include <cstddef>
#include <utility>

#include "pollux/runtime.hpp"
#include "pollux/sync.hpp"
#include "program.hpp"

namespace {

namespace oneshot = pollux::sync::oneshot;

// So that a run takes long enough to be timed.
constexpr std::size_t rounds = 50;

struct pairs_left {
    std::atomic<std::size_t> n;
    pollux::sync::notify none{};
};

pollux::task<> pong(oneshot::receiver<int> ping, oneshot::sender<int> answer) {
    const auto got = co_await std::move(ping);
    static_cast<void>(answer.send(*got));
}

pollux::task<> ping(pairs_left& left) {
    auto [ping_tx, ping_rx] = oneshot::channel<int>();
    auto [pong_tx, pong_rx] = oneshot::channel<int>();
    pollux::spawn(pong(std::move(ping_rx), std::move(pong_tx))).detach();
    static_cast<void>(ping_tx.send(1));
    const auto got = co_await std::move(pong_rx);
    // Both: what the others did comes before the end, and what this one did before the last one's.
    if (got == 1 && left.n.fetch_sub(1, std::memory_order::acq_rel) == 1) left.none.notify_one();
}

pollux::task<std::size_t> scenario(std::size_t n) {
    pairs_left left{n};
    for (std::size_t i = 0; i != n; ++i) pollux::spawn(ping(left)).detach();
    co_await left.none.notified();
    co_return n;
}

}  // namespace

int main(int argc, char** argv) {
    bench::program program(argc, argv, 1'000);
    const std::size_t pairs = rounds * program.size();
    const auto sum =
        bench::measure(pairs, [&] { return program.in_rounds(rounds, [&] { return scenario(program.size()); }); });
    return sum == pairs ? 0 : 1;
}
