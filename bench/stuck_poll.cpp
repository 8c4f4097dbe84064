// SPDX-License-Identifier: MIT
// One task blocks its worker for 500 ms, N times (4 unless said; by a sleep of the thread and by computing in turn). How long does anything
// else wait for it at most? `longest_wait_ms`, and the same for each kind of waiter:
//   outside    a task that another thread spawns, each ms, until its first poll
//   timer      how late tasks are that sleep for 1 ms again and again; up to a tick of 1 ms of it is no wait
//   socket     from a write to the other end, each ms, until the task that reads has it
//   queued     tasks that the blocking one has spawned before it blocks, until their first poll
//   next       the one that it has spawned last, which its worker would run next
// WORKERS is the number of workers. A longest wait has in it what else the machine does. The peer is peers/tokio/src/bin/server.rs.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "heuristics.hpp"
#include "measure.hpp"
#include "pollux/net.hpp"
#include "pollux/runtime.hpp"
#include "pollux/time.hpp"

namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto blocks_for = milliseconds(500);
constexpr auto between_blocks = milliseconds(100);
constexpr auto period = milliseconds(1);
// So many of each kind, so that some stand with the worker that is blocked.
constexpr std::size_t tasks_each = 4;

class longest_wait {
public:
    void add(steady::duration waited) {
        auto seen = longest_.load();
        while (waited > seen && !longest_.compare_exchange_weak(seen, waited));
    }
    double ms() const { return std::chrono::duration<double, std::milli>(longest_.load()).count(); }

private:
    std::atomic<steady::duration> longest_{steady::duration::zero()};
};

struct waits {
    longest_wait outside, timer, socket, queued, next;
    std::atomic<bool> is_over{false};
};

pollux::task<> note(longest_wait& wait, steady::time_point since) {
    wait.add(steady::now() - since);
    co_return;
}

pollux::task<> keep_sleeping(waits& all) {
    while (!all.is_over.load()) {
        const auto due = steady::now() + period;
        co_await pollux::sleep_for(period);
        all.timer.add(steady::now() - due);
    }
}

pollux::task<> keep_reading(waits& all, pollux::net::unix_stream from) {
    std::array<char, sizeof(steady::time_point)> buffer;
    for (;;) {
        const auto read = co_await from.read_exact(buffer);
        if (!read) co_return;  // the other end is closed
        steady::time_point written;
        std::memcpy(&written, buffer.data(), sizeof written);
        all.socket.add(steady::now() - written);
    }
}

pollux::task<> block(waits& all, bool by_computing) {
    for (std::size_t i = 0; i != tasks_each; ++i) pollux::spawn(note(all.queued, steady::now())).detach();
    pollux::spawn(note(all.next, steady::now())).detach();
    const auto end = steady::now() + blocks_for;
    if (by_computing)
        while (steady::now() < end);
    else
        std::this_thread::sleep_until(end);
    co_return;
}

}  // namespace

int main(int argc, char** argv) {
    bench::take_heuristics(argc, argv);
    const bench::arguments given(argc, argv, 4);
    pollux::runtime_options options;
    options.workers = given.workers;
    options.on_long_poll = [](const pollux::long_poll&) {};  // it is meant to be long
    waits all;
    pollux::runtime runtime(options);
    std::vector<pollux::net::unix_stream> other_ends;
    for (std::size_t i = 0; i != tasks_each; ++i) {
        runtime.spawn(keep_sleeping(all)).detach();
        auto pair = pollux::net::unix_stream::pair();
        if (!pair) return 1;
        runtime.spawn(keep_reading(all, std::move(pair->first))).detach();
        other_ends.push_back(std::move(pair->second));
    }
    bench::measure(given.size, [&] {
        for (std::size_t i = 0; i != given.size; ++i) {
            runtime.spawn(block(all, i % 2 != 0)).detach();
            for (const auto end = steady::now() + blocks_for + between_blocks; steady::now() < end;) {
                std::this_thread::sleep_for(period);
                const auto now = steady::now();
                runtime.spawn(note(all.outside, now)).detach();
                // One whose reader is behind by hundreds takes no more, and the wait is seen by what it has.
                for (const auto& each : other_ends)
                    if (write(each.native_handle(), &now, sizeof now) < 0 && errno != EAGAIN) std::abort();
            }
        }
        return 0;
    });
    double longest = 0;
    for (const auto& [name, wait] :
         {std::pair("outside_ms", &all.outside), std::pair("timer_ms", &all.timer), std::pair("socket_ms", &all.socket),
          std::pair("queued_ms", &all.queued), std::pair("next_ms", &all.next)}) {
        bench::report(name, wait->ms());
        longest = std::max(longest, wait->ms());
    }
    bench::report("longest_wait_ms", longest);
    all.is_over.store(true);
}
