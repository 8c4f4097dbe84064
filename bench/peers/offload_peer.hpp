// SPDX-License-Identifier: MIT
// The frame of the peers of ../offload.cpp and ../offload_round_trip.cpp: `NAME bulk|round_trip WORKERS [N]`, with the same window and
// the same sizes. Bulk is at most 1,000 empty jobs in flight, whose results are waited for in the order of their start; a round trip
// is one job after the other.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "measure.hpp"

namespace bench {

inline constexpr std::size_t jobs_in_flight = 1'000;

struct offload_arguments {
    bool is_round_trip;
    unsigned workers;
    std::size_t size;

    /// `bulk_size`: how many jobs in bulk if N is not given.
    offload_arguments(int argc, char** argv, std::size_t bulk_size = 1'000'000) {
        const std::string_view scenario = argc > 1 ? argv[1] : "";
        is_round_trip = scenario == "round_trip";
        if (!is_round_trip && scenario != "bulk") {
            std::fprintf(stderr, "usage: %s bulk|round_trip WORKERS [N]\n", argv[0]);
            std::exit(2);
        }
        const arguments rest(argc - 1, argv + 1, is_round_trip ? 20'000 : bulk_size);
        workers = rest.workers;
        size = rest.size;
    }
};

/// `submit(slot)` starts a job and gives what its end is waited for with: `wait()`. No two that are in flight have the same slot.
template <class Submit>
void run_offload_peer(const offload_arguments& given, Submit submit) {
    measure(given.size, [&] {
        if (given.is_round_trip) {
            for (std::size_t i = 0; i != given.size; ++i) submit(0).wait();
            return 0;
        }
        using handle = decltype(submit(0));
        std::vector<handle> window;
        window.reserve(jobs_in_flight);
        for (std::size_t i = 0; i != given.size; ++i) {
            const std::size_t slot = i % jobs_in_flight;
            if (i < jobs_in_flight) {
                window.push_back(submit(slot));
            } else {
                window[slot].wait();
                window[slot] = submit(slot);
            }
        }
        for (std::size_t i = 0; i != window.size(); ++i) window[(given.size + i) % window.size()].wait();
        return 0;
    });
}

}  // namespace bench
