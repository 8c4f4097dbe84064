// SPDX-License-Identifier: MIT
// Five tasks send N items each through a channel of 100 places to one task that receives them: what an item costs, with the waiting for
// places. In ns, and in instructions an item by callgrind (slope between two N, over five). Against Tokio's mpsc. It does not show
// large items, nor many channels at once.
#include <cstddef>

#include "pollux/runtime.hpp"
#include "pollux/sync.hpp"
#include "program.hpp"

namespace {

namespace mpsc = pollux::sync::mpsc;

constexpr std::size_t senders = 5;
constexpr std::size_t places = 100;

pollux::task<> sends(mpsc::sender<std::size_t> tx, std::size_t n) {
    for (std::size_t i = 0; i != n; ++i) co_await tx.send(1);
}

pollux::task<std::size_t> receives(mpsc::receiver<std::size_t> rx) {
    std::size_t sum = 0;
    while (const auto item = co_await rx.recv()) sum += *item;
    co_return sum;
}

pollux::task<std::size_t> scenario(std::size_t n) {
    auto [tx, rx] = mpsc::channel<std::size_t>(places);
    for (std::size_t i = 0; i != senders; ++i) pollux::spawn(sends(tx, n)).detach();
    { const auto last = std::move(tx); }
    auto receiving = pollux::spawn(receives(std::move(rx)));
    co_return co_await receiving;
}

}  // namespace

int main(int argc, char** argv) {
    bench::program program(argc, argv, 100'000);
    const std::size_t items = senders * program.size();
    const auto sum = bench::measure(items, [&] { return program.on_worker(scenario(program.size())); });
    return sum == items ? 0 : 1;
}
