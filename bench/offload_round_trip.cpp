// SPDX-License-Identifier: MIT
// Empty jobs by offload, awaited one after the other inside a task: the way out of the event loop and back where nothing else goes
// on, which is mostly two threads that wake each other. In ns a job. WORKERS is the number of CPU slots. It does not show what a
// job costs in bulk.
#include <cstddef>

#include "offload_scenario.hpp"
#include "pollux/offload.hpp"

namespace {

pollux::task<std::size_t> in_sequence(std::size_t jobs) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i != jobs; ++i) sum += co_await pollux::offload(&bench::empty_job);
    co_return sum;
}

}  // namespace

int main(int argc, char** argv) { return bench::run_offload_scenario(argc, argv, 20'000, &in_sequence); }
