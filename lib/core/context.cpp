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
    if (units_left <= 0 || processor_ticks() >= deadline) {
        chunk_left = 0;
        units_left = 0;
        return false;
    }
    const auto taken = std::min(units_left, chunk);
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
