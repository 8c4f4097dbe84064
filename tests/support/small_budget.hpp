// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "pollux/core/context.hpp"

namespace pollux::test {

/// The budget of a poll that may take so many results and no more.
inline detail::poll_budget small_budget(std::int32_t units) {
    detail::poll_budget budget;
    budget.is_limited = true;
    budget.chunk_left = units;
    return budget;
}

}  // namespace pollux::test
