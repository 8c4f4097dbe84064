// SPDX-License-Identifier: MIT
// The pause between two looks of who waits for another thread that works hard.
#pragma once

#include "core/platform.hpp"

namespace pollux::inline v0::detail {

/// A short spin; in a simulation the others' turn.
inline void pause_briefly(unsigned pauses) noexcept {
    if (current_platform != nullptr) return wait_a_turn();
    for (unsigned i = 0; i != pauses; ++i) pause_cpu();
}

}  // namespace pollux::inline v0::detail
