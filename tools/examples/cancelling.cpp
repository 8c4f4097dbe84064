// SPDX-License-Identifier: MIT
// Ending something early. There is one rule and three ways.
//
// The rule: destroying a future cancels it, at any time, without waiting. Its locals are destroyed where it stands.
//   1. Drop: a future that you own ends with its scope; the loser of a select() is dropped for you.
//   2. Abort: a spawned task is not yours to destroy. join_handle::abort() asks for it, a worker does it, and whoever awaits the
//      handle gets task_cancelled. Dropping the handle alone lets the task go on.
//   3. Stop: a job on the pool is an ordinary function that is running; nobody can take it off its thread. It is asked: dropping
//      the future of an offload() requests stop on the std::stop_token that the job takes.
//
// Next: errors.cpp is about what fails rather than what is given up.
//
// Prints:
//   dropped: the local of sleeper is gone
//   aborted: the local of sleeper is gone
//   aborted: the handle throws task_cancelled
//   stopped: the job has noticed
#include <chrono>
#include <iostream>
#include <pollux/future.hpp>
#include <pollux/offload.hpp>
#include <pollux/runtime.hpp>
#include <pollux/sync.hpp>
#include <pollux/time.hpp>
#include <stop_token>
#include <utility>

namespace {

namespace oneshot = pollux::sync::oneshot;
using namespace std::chrono_literals;

struct farewell {
    const char* how;
    explicit farewell(const char* said) : how(said) {}
    farewell(const farewell&) = delete;
    farewell& operator=(const farewell&) = delete;
    ~farewell() { std::cout << how << ": the local of sleeper is gone" << std::endl; }
};

// Says that it has begun, then sleeps for longer than anybody waits.
pollux::task<> sleeper(const char* how, oneshot::sender<pollux::unit> begun) {
    const farewell local(how);
    (void)begun.send(pollux::unit());
    co_await pollux::sleep_for(24h);
}

pollux::task<> drop_it() {
    auto [begun, has_begun] = oneshot::channel<pollux::unit>();
    // A tie goes to the first argument, so the sleeper is polled, and has begun, before has_begun wins.
    (void)co_await pollux::select(sleeper("dropped", std::move(begun)), std::move(has_begun));
}

pollux::task<> abort_it() {
    auto [begun, has_begun] = oneshot::channel<pollux::unit>();
    auto handle = pollux::spawn(sleeper("aborted", std::move(begun)));
    (void)co_await has_begun;
    handle.abort();
    try {
        co_await handle;
    } catch (const pollux::task_cancelled&) {
        // The task's future has been destroyed before its handle is ready: no local of it is left here.
        std::cout << "aborted: the handle throws task_cancelled" << std::endl;
    }
}

pollux::task<> stop_it() {
    auto [begun, has_begun] = oneshot::channel<pollux::unit>();
    auto [noticed, has_noticed] = oneshot::channel<pollux::unit>();
    // The job owns what it uses: it may outlive its future.
    auto job = pollux::offload([tx = std::move(begun), done = std::move(noticed)](std::stop_token stop) mutable {
        (void)tx.send(pollux::unit());
        while (!stop.stop_requested()) {}
        (void)done.send(pollux::unit());
    });
    // A job that has not started would never run; so it is dropped once it says that it has. select() drops it.
    (void)co_await pollux::select(std::move(job), std::move(has_begun));
    (void)co_await has_noticed;
    std::cout << "stopped: the job has noticed" << std::endl;
}

}  // namespace

int main() {
    pollux::run([]() -> pollux::task<> {
        co_await drop_it();
        co_await abort_it();
        co_await stop_it();
    });
}
