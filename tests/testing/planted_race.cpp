// SPDX-License-Identifier: MIT
// The library with a bug in it: a worker that has looked everywhere and found nothing goes to sleep without the second look. What was
// pushed in between waits for ever. Only who switches threads inside of the parking finds that; this one has to.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "pollux/testing/poll.hpp"
#include "pollux/testing/sim_runtime.hpp"
#include "support/workload.hpp"

int main() {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        pollux::test::workload_ledger ledger;
        pollux::testing::sim_runtime sim(seed);
        try {
            sim.block_on(sim.spawn(pollux::test::workload(ledger, seed, 6, 4)));
        } catch (const pollux::testing::assertion_failed& stalled) {
            std::puts(stalled.what());
            std::fflush(stdout);
            std::_Exit(0);  // the end of this runtime would be waited for as long
        }
    }
    std::puts("planted_race: not found within 1,000 seeds");
    return 1;
}
