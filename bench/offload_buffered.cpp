// SPDX-License-Identifier: MIT
// The jobs of offload.cpp as a user would write them, with `buffered` and `next`: a waker, a wake-up and a poll for each job more. In
// ns a job, against the same peer. WORKERS is the number of CPU slots; one worker of the runtime awaits.
#include <cstddef>

#include "offload_scenario.hpp"
#include "pollux/offload.hpp"
#include "pollux/stream.hpp"

namespace {

constexpr std::size_t in_flight = 1'000;

pollux::task<std::size_t> in_bulk(std::size_t jobs) {
    using job = decltype(pollux::offload(&bench::empty_job));
    std::size_t next = 0;
    auto source = pollux::poll_stream_fn([&next, jobs](pollux::context&) -> pollux::polled<std::optional<job>> {
        if (next == jobs) return std::optional<job>();
        ++next;
        return std::optional<job>(pollux::offload(&bench::empty_job));
    });
    auto results = std::move(source) | pollux::buffered(in_flight);
    std::size_t sum = 0;
    while (auto one = co_await pollux::next(results)) sum += *one;
    co_return sum;
}

}  // namespace

int main(int argc, char** argv) { return bench::run_offload_scenario(argc, argv, 1'000'000, &in_bulk); }
