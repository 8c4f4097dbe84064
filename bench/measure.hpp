// SPDX-License-Identifier: MIT
// What the scenarios share: their arguments and how they report. A scenario is a program `NAME WORKERS [N]` that prints lines
// `metric value`.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace bench {

struct arguments {
    unsigned workers;
    std::size_t size;

    // `normal_size`: N if none is given.
    arguments(int argc, char** argv, std::size_t normal_size)
        : workers(argc > 1 ? static_cast<unsigned>(std::strtoul(argv[1], nullptr, 10)) : 1),
          size(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : normal_size) {
        if (workers != 0 && size != 0) return;
        std::fprintf(stderr, "usage: %s [WORKERS [N]], both at least 1\n", argv[0]);
        std::exit(2);
    }
};

inline void report(const char* metric, double value) { std::printf("%s %.3f\n", metric, value); }

// Runs `body`, which does `operations`, once; reports its time as `ms` and `ns_per_op`.
template <class Body>
auto measure(std::size_t operations, Body&& body) {
    const auto start = std::chrono::steady_clock::now();
    auto result = body();
    const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
    report("operations", static_cast<double>(operations));
    report("ms", elapsed.count() / 1e6);
    report("ns_per_op", elapsed.count() / static_cast<double>(operations));
    return result;
}

}  // namespace bench
