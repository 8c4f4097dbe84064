// SPDX-License-Identifier: MIT
// A tree of tasks that do a bit of everything a runtime offers, chosen by numbers: for the simulation and for threads that yield at
// random. What must hold whatever the schedule is counted in a ledger.
#pragma once

#include <atomic>
#include <cstdint>

#include "pollux/coro/task.hpp"
#include "support/mixed.hpp"

namespace pollux::test {

/// What the workload notes. It outlives the runtime.
struct workload_ledger {
    std::atomic<int> alive{0};           // bodies of tasks and jobs that have begun and are not destroyed
    std::atomic<int> polled_at_once{0};  // polls that found another poll of the same future going on
    std::atomic<int> polled_late{0};     // polls of a future that had answered
    std::atomic<int> wrong_results{0};   // a child gave another result than its own number
    std::atomic<int> finished{0};
    std::atomic<int> cancelled{0};  // handles whose task was cancelled

    bool is_clean() const noexcept {
        return alive == 0 && polled_at_once == 0 && polled_late == 0 && wrong_results == 0;
    }
};

/// `roots` trees at once, all of them to their end. `number` decides what each of them and its `depth` generations of children do.
task<> workload(workload_ledger& ledger, std::uint64_t number, int roots, int depth);

}  // namespace pollux::test
