// SPDX-License-Identifier: MIT
// How long who has lost a race for a word leaves it to the others.
#include "core/stand_back.hpp"

#include "core/platform.hpp"
#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

constinit thread_local bool stands_back = true;

void stand_back() noexcept {
    if (!stands_back) return;
    // One to three microseconds: some ten times what it takes until a line that another processor writes is here, so that who has
    // it can use it often meanwhile. bench_mpsc with two workers, where a line takes 45 ns: 85 ns an item without, 49 with it; where
    // it takes 200: 142 with 32 pauses, 124 with 64, 114 with 100. With 200 it was worse again.
    constexpr int pauses = 100;
    for (int i = 0; i != pauses; ++i) pause_cpu();
}

}  // namespace pollux::inline v0::detail
