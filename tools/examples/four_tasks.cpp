// SPDX-License-Identifier: MIT
// Four tasks on a work-stealing runtime: each is polled by whichever worker is free.
//
// spawn() starts a task at once and gives a join_handle, the future of its result. Awaiting the handles one after the other
// does not run the tasks one after the other: they all run meanwhile. Which finishes first is open, so each task leaves its
// greeting in its own place, and the text is printed in order at the end.
//
// A lambda that is a coroutine is given to spawn() itself, not called: spawn() keeps its captures alive until the task has ended.
//
// Next: prime_or_timeout.cpp waits for the first of two things.
//
// Prints:
//   Hello from task 1
//   Hello from task 2
//   Hello from task 3
//   Hello from task 4
//   tasks spawned: 4, still alive: 0
#include <iostream>
#include <pollux/runtime.hpp>
#include <string>
#include <utility>
#include <vector>

pollux::task<std::vector<std::string>> greet_four_times() {
    std::vector<pollux::join_handle<std::string>> handles;
    for (int i = 1; i <= 4; ++i) {
        handles.push_back(pollux::spawn([i]() -> pollux::task<std::string> {
            co_await pollux::yield_now();  // lets the others go first
            co_return "Hello from task " + std::to_string(i);
        }));
    }
    std::vector<std::string> greetings;
    for (auto& handle : handles) greetings.push_back(co_await handle);
    co_return greetings;
}

int main() {
    pollux::runtime rt;
    // The thread of main() polls the outermost future itself; the four tasks run on the workers.
    for (const std::string& greeting : rt.block_on(greet_four_times())) std::cout << greeting << '\n';
    const pollux::runtime_metrics metrics = rt.metrics();
    std::cout << "tasks spawned: " << metrics.spawned << ", still alive: " << metrics.alive_tasks << '\n';
}
