// SPDX-License-Identifier: MIT
// What one call of runtime::metrics() takes, N times in a row on a runtime that sleeps. In ns. It does not show the misses of a
// caller whose workers have written their counters since its last call.
#include <cstddef>
#include <cstdint>

#include "heuristics.hpp"
#include "measure.hpp"
#include "pollux/runtime.hpp"

int main(int argc, char** argv) {
    bench::take_heuristics(argc, argv);
    const bench::arguments arguments(argc, argv, 100'000);
    pollux::runtime_options options;
    options.workers = arguments.workers;
    pollux::runtime runtime(options);
    const auto workers = bench::measure(arguments.size, [&] {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i != arguments.size; ++i) sum += runtime.metrics().workers;
        return sum;
    });
    return workers == arguments.size * arguments.workers ? 0 : 1;
}
