// SPDX-License-Identifier: MIT
// The program of the README: two heavy computations on the CPU pool, awaited by a coroutine. A test holds the two texts to each
// other, from the first include on.
//
// offload() makes a future of a call; it is lazy, and spawn() starts it. run() makes a runtime, polls the coroutine on it and
// ends it. While the coroutine waits it occupies no thread: thousands of others could go on.
//
// Next: four_tasks.cpp starts more tasks and shows what is promised about their order.
//
// Prints:
//   two jobs are on their way
//   fib(30) + fib(31) = 2178309

#include <iostream>
#include <pollux/offload.hpp>
#include <pollux/runtime.hpp>

long fib(long n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

pollux::task<> add_two() {
    auto a = pollux::spawn(pollux::offload([] { return fib(30); }));  // on the CPU pool,
    auto b = pollux::spawn(pollux::offload([] { return fib(31); }));  // side by side
    std::cout << "two jobs are on their way\n";
    const long sum = co_await a + co_await b;  // waits without blocking a thread
    std::cout << "fib(30) + fib(31) = " << sum << '\n';
}

int main() { pollux::run(add_two()); }
