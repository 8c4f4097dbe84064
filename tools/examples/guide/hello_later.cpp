// SPDX-License-Identifier: MIT
// The shortest wait: a tenth of a second, then a line.
//
// sleep_for() makes a future and starts no clock: the time counts from the first poll. Nobody sleeps meanwhile but this coroutine; its
// worker serves others, or waits with the operating system until the first of all timers is due. A sleep is never early.
//
// Next: ticks.cpp, a clock that goes on ticking.
//
// Prints:
//   Hello world!
#include <chrono>
#include <iostream>
#include <pollux/runtime.hpp>
#include <pollux/time.hpp>

namespace {

using namespace std::chrono_literals;

pollux::task<> greet_later() {
    co_await pollux::sleep_for(100ms);
    std::cout << "Hello world!\n";
}

}  // namespace

int main() { pollux::run(greet_later()); }
