// SPDX-License-Identifier: MIT
#pragma once

#include <thread>

namespace pollux::test {

/// For what no wake-up tells: looks until it holds.
template <class Condition>
void wait_until(Condition condition) {
    while (!condition()) std::this_thread::yield();
}

}  // namespace pollux::test
