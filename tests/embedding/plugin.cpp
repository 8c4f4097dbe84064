// SPDX-License-Identifier: MIT
// A plugin that uses Pollux inside, gives out the waker of one of its tasks, and leaves nothing running. Loaded by host.cpp.
#include <atomic>
#include <thread>

#include "pollux/coro.hpp"
#include "pollux/future.hpp"
#include "pollux/offload.hpp"
#include "pollux/runtime.hpp"
#include "pollux/time.hpp"

namespace {

pollux::task<int> works() {
    const auto [a, b] = co_await pollux::fork_join([] { return 1; }, [] { return 2; });
    const int c = co_await pollux::offload([] { return 3; });
    co_await pollux::sleep_for(std::chrono::microseconds(10));
    co_return a + b + c;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] int use_pollux(pollux::waker& kept) {
    pollux::runtime_options options;
    options.workers = 2;
    pollux::runtime runtime(options);
    std::atomic<bool> is_kept = false;
    runtime
        .spawn(pollux::poll_fn([&](pollux::context& cx) -> pollux::polled<> {
            kept = cx.waker();
            is_kept = true;
            return pollux::pending;
        }))
        .detach();
    const int sum = runtime.block_on(runtime.spawn(works()));
    while (!is_kept) std::this_thread::yield();
    return sum;
}
