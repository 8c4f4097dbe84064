// SPDX-License-Identifier: MIT
// A workload that uses all of a runtime, under 500 seeds: whatever the order, every task is polled to its end or destroyed once, none
// by two workers, and nothing is left.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pollux/runtime/errors.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "support/heap_counter.hpp"
#include "support/workload.hpp"

namespace {

using pollux::test::heap_counter;
using pollux::test::mixed;
using pollux::test::workload;
using pollux::test::workload_ledger;
using pollux::testing::sim_runtime;
using namespace std::chrono_literals;

constexpr std::uint64_t seeds = 500;
constexpr int roots = 6;
constexpr int depth = 4;

// A quarter of the seeds ends the runtime in the middle, by shutdown or by the destructor.
void run_workload(sim_runtime& sim, workload_ledger& ledger) {
    const std::uint64_t seed = sim.seed();
    auto all = sim.spawn(workload(ledger, seed, roots, depth));
    if (mixed(seed) % 4 != 0) {
        sim.block_on(all);
        sim.advance(1h);
        CHECK(sim.metrics().alive_tasks == 0);
        CHECK(sim.metrics().timers_armed == 0);
        return;
    }
    sim.advance(std::chrono::microseconds(mixed(seed + 1) % 4000));
    if (mixed(seed) % 8 == 0) return;
    const auto report = sim.shutdown(1s);
    CHECK(report.stuck == 0);
    CHECK(sim.metrics().alive_tasks == 0);
}

std::string log_of(std::uint64_t seed, workload_ledger& ledger) {
    sim_runtime sim(seed);
    run_workload(sim, ledger);
    return sim.event_log();
}

}  // namespace

TEST_SUITE("testing/sim_workload") {
    TEST_CASE("sim_runtime: 500 seeds of a workload leave nothing undone, nothing done twice, and no block of memory") {
        std::uint64_t finished = 0;
        std::uint64_t cancelled = 0;
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            CAPTURE(seed);
            workload_ledger ledger;
            if (seed == 1) log_of(seed, ledger);  // what is made once for the process
            const heap_counter before;
            log_of(seed, ledger);
            CHECK(before.by_this_thread() == before.given_back());
            CHECK(ledger.alive == 0);
            CHECK(ledger.polled_at_once == 0);
            CHECK(ledger.polled_late == 0);
            CHECK(ledger.wrong_results == 0);
            finished += static_cast<std::uint64_t>(ledger.finished);
            cancelled += static_cast<std::uint64_t>(ledger.cancelled);
        }
        // It has gone through what it is about.
        CHECK(finished > 20 * seeds);
        CHECK(cancelled > seeds);
    }

    TEST_CASE("sim_runtime: two runs of a seed have the same log, two seeds have not") {
        std::string last;
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            CAPTURE(seed);
            workload_ledger ledger;
            const std::string first = log_of(seed, ledger);
            const std::string second = log_of(seed, ledger);
            CHECK(first == second);
            CHECK(first.size() > 1000);
            CHECK(first != last);
            last = first;
        }
    }
}
