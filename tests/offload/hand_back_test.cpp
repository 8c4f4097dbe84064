// SPDX-License-Identifier: MIT
// What the attending of finished jobs must not change: who else has a worker, and when. That it loses no job is in the stress test.
#include "pollux/offload/offload.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "pollux/coro/task.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/spawn.hpp"
#include "pollux/time/sleep.hpp"

using namespace std::chrono_literals;

namespace {

pollux::runtime_options with_workers(unsigned workers) {
    pollux::runtime_options options;
    options.workers = workers;
    options.cpu_slots = 1;
    return options;
}

struct hold_up {
    std::atomic<bool> may_begin{false}, has_begun{false}, may_end{false};

    // Keeps a worker from everything else.
    pollux::task<> hold() {
        while (!may_begin) co_await pollux::sleep_for(1ms);
        has_begun = true;
        const auto give_up = std::chrono::steady_clock::now() + 60s;
        while (!may_end && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
    }
};

template <class Make>
pollux::task<int> await_around(hold_up& other, Make make) {
    int sum = 0;
    for (int i = 0; i != 500; ++i) sum += co_await make(1);
    other.may_begin = true;
    while (!other.has_begun) sum += co_await make(0);
    for (int i = 0; i != 500; ++i) sum += co_await make(1);
    other.may_end = true;
    co_return sum;
}

template <class Make>
void check_held_up(Make make) {
    pollux::runtime rt(with_workers(2));
    hold_up other;
    auto holding = rt.spawn(other.hold());
    auto awaiting = rt.spawn(await_around(other, make));
    CHECK(rt.block_on(awaiting) == 1000);
    rt.block_on(holding);
    CHECK(other.may_end);
}

pollux::task<> tick(std::atomic<int>& ticks) {
    for (;;) {
        co_await pollux::sleep_for(100us);
        ++ticks;
    }
}

pollux::task<> offload_until(const std::atomic<int>& ticks, int enough) {
    const auto give_up = std::chrono::steady_clock::now() + 60s;
    while (ticks < enough && std::chrono::steady_clock::now() < give_up) co_await pollux::offload([] {});
}

pollux::task<> offload_for_ever(std::atomic<int>& answered) {
    for (;;) {
        co_await pollux::offload([] {});
        ++answered;
    }
}

}  // namespace

TEST_SUITE("offload/hand_back") {
    TEST_CASE("offload: jobs come back while a worker that may have attended them is held up by another task") {
        check_held_up([](int n) { return pollux::offload([n] { return n; }); });
    }

    TEST_CASE("blocking: jobs come back while a worker that may have attended them is held up by another task") {
        check_held_up([](int n) { return pollux::blocking([n] { return n; }); });
    }

    TEST_CASE("sleeps are fired and other tasks have their turn while jobs come back in quick succession") {
        std::atomic<int> ticks{0};
        pollux::runtime rt(with_workers(1));
        auto ticking = rt.spawn(tick(ticks));
        rt.block_on(rt.spawn(offload_until(ticks, 50)));
        CHECK(ticks >= 50);
        ticking.abort();
    }

    TEST_CASE("a runtime ends while jobs come back in quick succession") {
        for (int round = 0; round != 20; ++round) {
            std::atomic<int> answered{0};  // above the runtime, whose end may still count
            pollux::runtime rt(with_workers(1));
            auto awaiting = rt.spawn(offload_for_ever(answered));
            while (answered < 3 * round) std::this_thread::yield();
        }
    }
}
