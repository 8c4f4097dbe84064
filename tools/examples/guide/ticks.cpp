// SPDX-License-Identifier: MIT
// Ten lines, one each 100 ms, from an interval: a stream of the instants at which it was to tick.
//
// The first tick is there at once, and each next one is due a period after the one before, not after the moment at which somebody looked. So
// the instants below are exact on any machine, however late their lines are; a program that sleeps 100 ms after each line would fall
// behind by what the lines cost. Who comes so late that ticks were missed gets all of them in a burst, unless on_missed() says otherwise.
//
// Next: four_bytes.cpp gives clients a limit. ../state_machine.cpp writes these lines with a timer for each, by hand.
//
// Prints:
//   tick 1 at 0 ms
//   tick 2 at 100 ms
//   tick 3 at 200 ms
//   tick 4 at 300 ms
//   tick 5 at 400 ms
//   tick 6 at 500 ms
//   tick 7 at 600 ms
//   tick 8 at 700 ms
//   tick 9 at 800 ms
//   tick 10 at 900 ms
#include <chrono>
#include <iostream>
#include <optional>
#include <pollux/runtime.hpp>
#include <pollux/stream.hpp>
#include <pollux/time.hpp>

namespace {

using namespace std::chrono_literals;

pollux::task<> tick_ten_times() {
    auto ticks = pollux::interval(100ms) | pollux::take(10);
    std::optional<pollux::instant> first;
    int number = 0;
    while (const auto tick = co_await pollux::next(ticks)) {
        if (!first) first = *tick;
        std::cout << "tick " << ++number << " at " << (*tick - *first) / 1ms << " ms" << std::endl;
    }
}

}  // namespace

int main() { pollux::run(tick_ten_times()); }
