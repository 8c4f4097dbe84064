// SPDX-License-Identifier: MIT
// Counts the allocations of this thread. A test program that links allocation_counter.cpp has its own operator new
// for it.
#pragma once

#include <cstddef>

namespace pollux::test {

/// Allocations of this thread since it was made.
class allocation_counter {
public:
    allocation_counter() noexcept;
    std::size_t count() const noexcept;

private:
    std::size_t before_;
};

}  // namespace pollux::test
