// SPDX-License-Identifier: MIT
// Ten lines, one every 100 ms: once as a state machine by hand, once as a coroutine, which is the same machine made by the compiler.
//
// What waits between two polls is a state with what is needed to go on. Two rules: after a step go on at once (a `pending` without a
// registered waker would be for ever), and answer `pending` only when something inside did. And one for clocks: the next instant is
// counted from the last one, not from now, or every delay would add up.
//
// The clock is that of a simulation, which jumps to the next timer when nothing can run. So 100 ms are exactly that, and the
// program does not wait.
//
// Next: own_executor.cpp looks at who polls all of this.
//
// Prints:
//   line 1 at 0 ms
//   line 2 at 100 ms
//   line 3 at 200 ms
//   line 4 at 300 ms
//   line 5 at 400 ms
//   line 6 at 500 ms
//   line 7 at 600 ms
//   line 8 at 700 ms
//   line 9 at 800 ms
//   line 10 at 900 ms
//   the coroutine wrote the same lines
#include <chrono>
#include <iostream>
#include <pollux/coro.hpp>
#include <pollux/testing.hpp>
#include <pollux/time.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <variant>

namespace {

using namespace std::chrono_literals;
using pollux::instant;

void write_line(std::ostream& out, int number, instant start) {
    const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(pollux::clock::now() - start);
    out << "line " << number << " at " << after.count() << " ms\n";
}

class ten_lines {
    struct not_started {};
    struct waiting {
        instant start;
        instant due;
        int number;  // of the line that comes when `due` has come
        pollux::sleep timer;
    };

public:
    using value_type = void;
    using error_type = pollux::never;

    explicit ten_lines(std::ostream& out) : out_(out) {}

    pollux::polled<> poll(pollux::context& cx) {
        // Only now: a future that nobody polls does nothing, and does not look at the clock either.
        if (std::holds_alternative<not_started>(state_)) wait_for(1, pollux::clock::now(), pollux::clock::now());
        while (true) {
            auto& now = std::get<waiting>(state_);
            if (now.timer.poll(cx).is_pending()) return pollux::pending;
            write_line(out_, now.number, now.start);
            if (now.number == 10) return pollux::polled<>::ready();
            wait_for(now.number + 1, now.start, now.due + 100ms);
        }
    }

private:
    // By value: emplace() destroys the state that they may come from.
    void wait_for(int number, instant start, instant due) {
        state_.emplace<waiting>(start, due, number, pollux::sleep_until(due));
    }

    std::ostream& out_;
    std::variant<not_started, waiting> state_;
};

static_assert(pollux::future<ten_lines>);

pollux::task<> ten_lines_as_a_coroutine(std::ostream& out) {
    const instant start = pollux::clock::now();
    instant due = start;
    for (int number = 1; number <= 10; ++number, due += 100ms) {
        co_await pollux::sleep_until(due);
        write_line(out, number, start);
    }
}

}  // namespace

int main() {
    pollux::testing::sim_runtime sim(1);
    std::ostringstream by_hand, by_compiler;
    sim.block_on(ten_lines(by_hand));
    sim.block_on(ten_lines_as_a_coroutine(by_compiler));
    std::cout << by_hand.str();
    if (by_compiler.str() == by_hand.str()) std::cout << "the coroutine wrote the same lines\n";
}
