// SPDX-License-Identifier: MIT
// The frame of our scenarios whose runtime has so many workers and nothing else of its own.
#pragma once

#include <cstddef>
#include <utility>

#include "heuristics.hpp"
#include "measure.hpp"
#include "pollux/runtime.hpp"

namespace bench {

class program {
public:
    /// `normal_size`: N if none is given. What take_heuristics() knows is taken out of the arguments.
    program(int& argc, char** argv, std::size_t normal_size)
        : given_(without_heuristics(argc, argv), argv, normal_size), runtime_(options()) {}

    std::size_t size() const noexcept { return given_.size; }
    unsigned workers() const noexcept { return given_.workers; }
    pollux::runtime& runtime() noexcept { return runtime_; }

    /// Runs it on a worker, to its end: block_on alone would poll it here.
    template <class Task>
    auto on_worker(Task task) {
        return runtime_.block_on(runtime_.spawn(std::move(task)));
    }
    /// `make_task()` so often, one after the other: the sum of what they give.
    template <class MakeTask>
    std::size_t in_rounds(std::size_t rounds, MakeTask make_task) {
        std::size_t sum = 0;
        for (std::size_t round = 0; round != rounds; ++round) sum += on_worker(make_task());
        return sum;
    }

private:
    static int without_heuristics(int& argc, char** argv) {
        take_heuristics(argc, argv);
        return argc;
    }
    pollux::runtime_options options() const {
        pollux::runtime_options made;
        made.workers = given_.workers;
        return made;
    }

    arguments given_;
    pollux::runtime runtime_;
};

}  // namespace bench
