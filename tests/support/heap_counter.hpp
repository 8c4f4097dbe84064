// SPDX-License-Identifier: MIT
// Counts what all threads of a test program take from the heap: malloc and its kin, and so operator new, which ends there; and refuses one
// of them on demand. A program that links heap_counter.cpp has its own malloc for it; a sanitizer's malloc counts through its hook. Under
// address sanitizer only operator new can be refused, under thread sanitizer nothing.
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

/// Blocks of the whole process that were taken from the heap and not given back.
std::size_t blocks_in_use() noexcept;

/// While it lives, an allocation is refused, by whatever thread: malloc gives null, operator new throws std::bad_alloc. One at a time.
class refused_allocation {
public:
    /// The one after `granted` others, and only that.
    explicit refused_allocation(std::size_t granted) noexcept;
    refused_allocation(const refused_allocation&) = delete;
    refused_allocation& operator=(const refused_allocation&) = delete;
    ~refused_allocation();

    static bool is_possible() noexcept;
    /// It came to that.
    bool has_come() const noexcept;
};

}  // namespace pollux::test
