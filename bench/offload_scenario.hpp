// SPDX-License-Identifier: MIT
// The frame of the scenarios that offload empty jobs. WORKERS is the number of CPU slots, as it is in peers/offload_tbb.cpp; one
// worker of the runtime submits and awaits.
#pragma once

#include <cstddef>

#include "heuristics.hpp"
#include "measure.hpp"
#include "pollux/runtime.hpp"

namespace bench {

inline std::size_t empty_job() { return 1; }

/// The exit status of the program. `make_task(n)` gives a task that offloads `n` empty jobs and sums what they return.
template <class MakeTask>
int run_offload_scenario(int argc, char** argv, std::size_t normal_size, MakeTask make_task) {
    take_heuristics(argc, argv);
    const arguments given(argc, argv, normal_size);
    pollux::runtime_options options;
    options.workers = 1;
    options.cpu_slots = given.workers;
    pollux::runtime runtime(options);
    const std::size_t done =
        measure(given.size, [&] { return runtime.block_on(runtime.spawn(make_task(given.size))); });
    // Fewer than asked for where oneTBB's limit of threads is a host's.
    report("usable_slots", static_cast<double>(runtime.metrics().offload_slots));
    return done == given.size ? 0 : 1;
}

}  // namespace bench
