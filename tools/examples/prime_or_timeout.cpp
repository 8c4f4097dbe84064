// SPDX-License-Identifier: MIT
// A prime test on the CPU pool, raced with a timer: two futures of different making, and the first one wins.
//
// offload() makes a future of a CPU-heavy call. It is lazy like all futures; spawn(offload(...)) starts it now, so that this
// thread can do something else before it waits.
//
// The timer is a thread of our own, to show that any event can become a future: whoever holds the sender of a oneshot channel
// completes the receiver, from any thread. (In a program, write sleep_for(750ms): it needs no thread. cancelling.cpp uses it.)
//
// select() polls both and gives a variant: index() says which was first. It destroys the loser, which is how a job learns that
// nobody waits for it any more: it has asked for a std::stop_token.
//
// Next: cancelling.cpp shows all the ways to end something early.
//
// Prints:
//   Created the future
//   Prime
//   15485866: Not prime
//   slow job: Timed out
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <iostream>
#include <mutex>
#include <pollux/future.hpp>
#include <pollux/offload.hpp>
#include <pollux/runtime.hpp>
#include <pollux/sync.hpp>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace std::chrono_literals;

bool is_prime(std::uint64_t n) {
    for (std::uint64_t d = 2; d * d <= n; ++d)
        if (n % d == 0) return false;
    return n >= 2;
}

// Busy until it is asked to stop. Without the token nobody could end it, and the runtime would wait for it for ever.
bool never_sure(std::stop_token stop) {
    while (!stop.stop_requested()) {}
    return false;
}

// A thread that keeps the time. Its destructor ends it early.
class timer_thread {
public:
    explicit timer_thread(std::chrono::milliseconds after)
        : timer_thread(after, pollux::sync::oneshot::channel<pollux::unit>()) {}

    // Ready when the time is over.
    pollux::sync::oneshot::receiver<pollux::unit>& elapsed() { return elapsed_; }

private:
    using channel = decltype(pollux::sync::oneshot::channel<pollux::unit>());

    timer_thread(std::chrono::milliseconds after, channel ends)
        : elapsed_(std::move(ends.second)),
          thread_([after, sender = std::move(ends.first)](std::stop_token stop) mutable {
              std::mutex mutex;
              std::unique_lock lock(mutex);
              std::condition_variable_any changed;
              const bool is_stopped = changed.wait_for(lock, stop, after, [&] { return stop.stop_requested(); });
              if (!is_stopped) (void)sender.send(pollux::unit());
          }) {}

    pollux::sync::oneshot::receiver<pollux::unit> elapsed_;
    std::jthread thread_;
};

// `answer` is a future of a bool. The first to finish wins; the other is destroyed.
template <class F>
pollux::task<std::string> before(std::chrono::milliseconds limit, F answer) {
    timer_thread timer(limit);
    auto first = co_await pollux::select(std::move(answer), pollux::by_ref(timer.elapsed()));
    if (first.index() == 1) co_return "Timed out";
    co_return std::get<0>(first) ? "Prime" : "Not prime";
}

}  // namespace

int main() {
    pollux::runtime rt;
    auto prime = rt.spawn(pollux::offload([] { return is_prime(15485867); }));
    std::cout << "Created the future" << std::endl;
    std::cout << rt.block_on(before(30s, std::move(prime))) << '\n';
    std::cout << "15485866: " << rt.block_on(before(30s, pollux::offload([] { return is_prime(15485866); }))) << '\n';
    std::cout << "slow job: " << rt.block_on(before(300ms, pollux::offload(never_sure))) << '\n';
}
