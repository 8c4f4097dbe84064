// SPDX-License-Identifier: MIT
// What one call of runtime::metrics() takes, N times in a row on a runtime that sleeps. In ns. It does not show the misses of a
// caller whose workers have written their counters since its last call.
#include <cstddef>
#include <cstdint>

#include "pollux/runtime.hpp"
#include "program.hpp"

int main(int argc, char** argv) {
    bench::program program(argc, argv, 100'000);
    const auto workers = bench::measure(program.size(), [&] {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i != program.size(); ++i) sum += program.runtime().metrics().workers;
        return sum;
    });
    return workers == program.size() * program.workers() ? 0 : 1;
}
