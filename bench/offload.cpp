// SPDX-License-Identifier: MIT
// Empty jobs by offload, at most 1,000 in flight, their futures awaited by one task in the order of their start: what it costs to
// push a job out of the event loop and to get it back. In ns a job, against a bare TBB enqueue with a flag that the submitter waits
// for in the same order (peers/offload_tbb.cpp). WORKERS is the number of CPU slots, as it is there; one worker of the runtime is
// the submitter. It does not show jobs that take time.
#include <cstddef>
#include <optional>
#include <vector>

#include "offload_scenario.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/offload.hpp"

namespace {

constexpr std::size_t in_flight = 1'000;

pollux::task<std::size_t> in_bulk(std::size_t jobs) {
    std::vector<std::optional<decltype(pollux::offload(&bench::empty_job))>> window(in_flight);
    std::size_t sum = 0;
    for (std::size_t i = 0; i != jobs; ++i) {
        auto& slot = window[i % in_flight];
        if (slot.has_value()) sum += co_await *slot;
        slot.emplace(pollux::offload(&bench::empty_job));
        co_await pollux::poll_fn([&slot](pollux::context& cx) {
            static_cast<void>(slot->poll(cx));  // starts it: the first poll is always pending
            return pollux::polled<>::ready();
        });
    }
    for (auto& slot : window)
        if (slot.has_value()) sum += co_await *slot;
    co_return sum;
}

}  // namespace

int main(int argc, char** argv) { return bench::run_offload_scenario(argc, argv, 1'000'000, &in_bulk); }
