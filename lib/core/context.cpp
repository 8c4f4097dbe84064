// SPDX-License-Identifier: MIT
// The slow side of the budget: once in a chunk of results.
#include "pollux/core/context.hpp"

#include <algorithm>

#include "core/ticks.hpp"

namespace pollux::inline v0 {

bool detail::poll_budget::next_chunk() noexcept {
    if (!is_limited) {
        chunk_left = chunk - 1;  // the unit that was asked for
        return true;
    }
    const auto own = units_left - most_for_others;
    if (own <= 0 || processor_ticks() >= deadline) {
        units_left = std::min(units_left, most_for_others);
        chunk_left = std::min(units_left, units_for_others);
        units_left -= chunk_left;
        return false;
    }
    const auto taken = std::min(own, chunk);
    units_left -= taken;
    chunk_left = taken - 1;
    return true;
}

bool context::consume_from_next_chunk() noexcept {
    if (budget_->next_chunk()) return true;
    if (budget_->forced_yields != nullptr)
        budget_->forced_yields->fetch_add(1, std::memory_order::relaxed);  // a metric
    waker_->wake();
    return false;
}

}  // namespace pollux::inline v0
