// SPDX-License-Identifier: MIT
// A plugin with a copy of the library of its own, loaded by two_copies.cpp. What it sees and does is asked for by two functions.
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "pollux/coro.hpp"
#include "pollux/future.hpp"
#include "pollux/offload.hpp"
#include "pollux/runtime.hpp"
#include "pollux/time.hpp"
#include "two_copies.hpp"

namespace {

std::optional<pollux::runtime> own;

bool is_in_no_runtime() {
    try {
        static_cast<void>(pollux::runtime_handle::current());
    } catch (const pollux::no_runtime&) {
        return !pollux::current_task_id().has_value();
    }
    return false;
}

pollux::task<int> works(int (*host)()) {
    const auto [a, b] = co_await pollux::fork_join([] { return 1; }, [] { return 2; });
    const int c = co_await pollux::offload([] { return 3; });
    const int d = co_await pollux::blocking([] { return 4; });
    co_await pollux::sleep_for(std::chrono::microseconds(10));
    // The host's copy, asked on a worker of this one.
    co_return host() == 0 ? a + b + c + d : -1;
}

}  // namespace

void begin_work(int (*host)(), pollux::waker& kept, answers& seen) {
    seen.plugin_is_in_no_runtime = is_in_no_runtime();
    pollux::runtime_options options;
    options.workers = 2;
    options.cpu_slots = 1;  // as the host: the least limit of all copies is oneTBB's
    own.emplace(options);
    std::atomic<bool> is_kept = false;
    own->spawn(pollux::poll_fn([&kept, &is_kept, polls = 0](pollux::context& cx) mutable -> pollux::polled<> {
           if (++polls == 1) {
               kept = cx.waker();
               is_kept = true;
           }
           return pollux::pending;
       }))
        .detach();
    seen.sum = own->block_on(own->spawn(works(host)));
    while (!is_kept) std::this_thread::yield();
    seen.plugin_alive = own->metrics().alive_tasks;
}

std::uint64_t end_work() {
    const auto polls = own->metrics().polls;
    own.reset();
    return polls;
}
