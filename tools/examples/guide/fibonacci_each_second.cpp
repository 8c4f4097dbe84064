// SPDX-License-Identifier: MIT
// A number a second, as a stream: by hand, with unfold() and with map(). The three say the same.
//
// by_hand holds an interval and polls it first. While the second is not over the answer is pending, and that is the whole of its
// waiting: the interval has kept the waker, so nothing else need be registered. unfold() gets the state for the next step
// from the step before, and its step may be a future, here a coroutine that sleeps. map() puts numbers in the place of the instants.
//
// The clock is that of a simulation, so half a minute takes no time and each line has its exact second.
//
// Next: greeter.cpp, whose stream is one of connections. ../fibonacci.cpp is this one without a clock.
//
// Prints:
//   by hand: 1 (1 s) 1 (2 s) 2 (3 s) 3 (4 s) 5 (5 s) 8 (6 s) 13 (7 s) 21 (8 s) 34 (9 s) 55 (10 s)
//   unfold: 1 (1 s) 1 (2 s) 2 (3 s) 3 (4 s) 5 (5 s) 8 (6 s) 13 (7 s) 21 (8 s) 34 (9 s) 55 (10 s)
//   map: 1 (1 s) 1 (2 s) 2 (3 s) 3 (4 s) 5 (5 s) 8 (6 s) 13 (7 s) 21 (8 s) 34 (9 s) 55 (10 s)
#include <chrono>
#include <cstdint>
#include <iostream>
#include <optional>
#include <pollux/coro.hpp>
#include <pollux/stream.hpp>
#include <pollux/testing.hpp>
#include <pollux/time.hpp>
#include <utility>

namespace {

using namespace std::chrono_literals;

// Two neighbours.
class fibonacci {
public:
    std::uint64_t step() { return std::exchange(current_, std::exchange(next_, current_ + next_)); }

private:
    std::uint64_t current_ = 1;
    std::uint64_t next_ = 1;
};

auto each_second() { return pollux::interval_at(pollux::clock::now() + 1s, 1s); }

class by_hand {
public:
    using value_type = std::uint64_t;
    using error_type = pollux::never;

    pollux::polled<std::optional<std::uint64_t>> poll_next(pollux::context& cx) {
        if (seconds_.poll_next(cx).is_pending()) return pollux::pending;
        return numbers_.step();
    }

private:
    pollux::interval_stream seconds_ = each_second();
    fibonacci numbers_;
};

static_assert(pollux::stream<by_hand>);

// The next number, and the state from which the one after it comes.
pollux::task<std::optional<std::pair<std::uint64_t, fibonacci>>> a_second_later(fibonacci numbers) {
    co_await pollux::sleep_for(1s);
    const auto number = numbers.step();
    co_return std::pair(number, numbers);
}

template <pollux::stream S>
pollux::task<> show(const char* how, S numbers) {
    const auto start = pollux::clock::now();
    auto ten = std::move(numbers) | pollux::take(10);
    std::cout << how << ':';
    while (const auto number = co_await pollux::next(ten))
        std::cout << ' ' << *number << " (" << (pollux::clock::now() - start) / 1s << " s)";
    std::cout << '\n';
}

pollux::task<> show_all() {
    co_await show("by hand", by_hand());
    co_await show("unfold", pollux::unfold(fibonacci(), a_second_later));
    auto numbered = [numbers = fibonacci()](pollux::instant) mutable { return numbers.step(); };
    co_await show("map", each_second() | pollux::map(std::move(numbered)));
}

}  // namespace

int main() {
    pollux::testing::sim_runtime sim(1);
    sim.block_on(show_all());
}
