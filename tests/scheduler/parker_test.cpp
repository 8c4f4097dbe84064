// SPDX-License-Identifier: MIT
// The parker over the real futex: tokens, deadlines, signals. The schedules are the model's business
// (tests/model/idle_set_model.cpp).
#include "scheduler/parker.hpp"

#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

using namespace std::chrono_literals;
using pollux::v0::detail::os_futex;
using pollux::v0::detail::parker;
using clock_type = std::chrono::steady_clock;

}  // namespace

TEST_SUITE("scheduler/parker") {
    TEST_CASE("unpark: before the park it is not lost, and several are one") {
        parker p;
        p.unpark();
        p.unpark();
        p.park();
        CHECK_FALSE(p.park_until(clock_type::now()));
    }

    TEST_CASE("park_until: a deadline in the past does not sleep, and a token wins over it") {
        parker p;
        for (const auto deadline : {clock_type::time_point::min(), clock_type::time_point{}, clock_type::now() - 1ns}) {
            CHECK_FALSE(p.park_until(deadline));
            p.unpark();
            CHECK(p.park_until(deadline));
        }
    }

    TEST_CASE("park_until: sleeps until the deadline and never returns before it") {
        parker p;
        for (const std::chrono::nanoseconds pause : {700ns, 50'000ns, 2'000'000ns}) {
            CAPTURE(pause.count());
            const auto deadline = clock_type::now() + pause;
            CHECK_FALSE(p.park_until(deadline));
            CHECK(clock_type::now() >= deadline);
        }
        p.unpark();
        CHECK(p.park_until(clock_type::now() + 1h));
    }

    TEST_CASE("park: two threads that pass one token to and fro never miss it") {
        parker ping;
        parker pong;
        int turns = 0;  // guarded by whose turn it is
        std::jthread other([&] {
            for (int i = 0; i != 2'000; ++i) {
                ping.park();
                ++turns;
                pong.unpark();
            }
        });
        for (int i = 0; i != 2'000; ++i) {
            ++turns;
            ping.unpark();
            if (i % 2 == 0) {
                pong.park();
            } else {
                while (!pong.park_until(clock_type::now() + 1us)) {}
            }
        }
        other.join();
        CHECK(turns == 4'000);
    }

    TEST_CASE("park: a signal and a wake-up without a token do not end it") {
        static std::atomic<int> handled;
        handled = 0;
        struct sigaction counting{};
        counting.sa_handler = [](int) { handled.fetch_add(1); };
        struct sigaction before{};
        REQUIRE(::sigaction(SIGUSR1, &counting, &before) == 0);

        parker p;
        std::atomic<bool> returned{false};
        std::thread sleeper([&] {
            p.park();
            returned = true;
        });
        for (int sent = 1; sent <= 50; ++sent) {
            REQUIRE(::pthread_kill(sleeper.native_handle(), SIGUSR1) == 0);
#if defined(POLLUX_THREAD_SANITIZER)
            // It keeps the handler back until the thread calls something it knows; the system call is interrupted all
            // the same.
            std::this_thread::yield();
#else
            while (handled.load() < sent) std::this_thread::yield();
#endif
        }
        CHECK_FALSE(returned.load());
        p.unpark();
        sleeper.join();
        CHECK(returned.load());
        CHECK(::sigaction(SIGUSR1, &before, nullptr) == 0);
    }

    TEST_CASE("os_futex::wait: a word that has changed does not let it sleep") {
        const std::atomic<std::uint32_t> word{7};
        CHECK(os_futex::wait(word, 6, clock_type::time_point::max()));
        CHECK(os_futex::wait(word, 6, clock_type::now() + 1h));
        CHECK_FALSE(os_futex::wait(word, 7, clock_type::now() + 1us));
        os_futex::wake_one(word);
    }
}
