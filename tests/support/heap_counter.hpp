// SPDX-License-Identifier: MIT
// Counts what all threads of a test program take from the heap: malloc and its kin, and so operator new, which ends there. A program
// that links heap_counter.cpp has its own malloc for it; a sanitizer's malloc counts through its hook.
#pragma once

#include <cstddef>

namespace pollux::test {

/// Blocks taken from the heap since it was made, by this thread or by all.
class heap_counter {
public:
    heap_counter() noexcept;
    std::size_t by_this_thread() const noexcept;
    std::size_t by_all_threads() const noexcept;
    /// Blocks that this thread has given back since then.
    std::size_t given_back() const noexcept;

private:
    std::size_t mine_before_;
    std::size_t all_before_;
    std::size_t given_before_;
};

}  // namespace pollux::test
