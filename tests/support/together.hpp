// SPDX-License-Identifier: MIT
// Threads that begin together, for tests of races.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

namespace pollux::test {

/// Calls fn(i) on `count` threads that begin together; returns when all have ended.
template <class Fn>
void on_threads(unsigned count, Fn fn) {
    std::atomic<unsigned> ready = 0;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i != count; ++i)
        threads.emplace_back([&, i] {
            ++ready;
            while (ready != count) std::this_thread::yield();
            fn(i);
        });
    for (auto& each : threads) each.join();
}

}  // namespace pollux::test
