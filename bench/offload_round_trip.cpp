// SPDX-License-Identifier: MIT
// Empty jobs by offload, awaited one after the other inside a task: the way out of the event loop and back where nothing else goes
// on, which is mostly two threads that wake each other. In ns a job. WORKERS is the number of CPU slots. It does not show what a
// job costs in bulk.
#include <cstddef>

#include "measure.hpp"
#include "pollux/offload.hpp"
#include "pollux/runtime.hpp"

namespace {

std::size_t empty_job() { return 1; }

pollux::task<std::size_t> in_sequence(std::size_t jobs) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i != jobs; ++i) sum += co_await pollux::offload(&empty_job);
    co_return sum;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv, 20'000);
    pollux::runtime_options options;
    options.workers = 1;
    options.cpu_slots = arguments.workers;
    pollux::runtime runtime(options);
    const auto done =
        bench::measure(arguments.size, [&] { return runtime.block_on(runtime.spawn(in_sequence(arguments.size))); });
    return done == arguments.size ? 0 : 1;
}
