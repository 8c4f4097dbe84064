// SPDX-License-Identifier: MIT
// Memory that another processor has written, or nobody has touched for long, takes a hundred instructions' time to come. Whoever knows early
// what it will write asks for it, and does something else meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pollux::inline v0::detail {

inline constexpr std::size_t cache_line = 64;

/// Asks for the line that is `offset` bytes behind `at`, to be written. Any address will do: where there is no memory nothing is fetched.
inline void prefetch_to_write(const void* at, std::size_t offset = 0) noexcept {
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(at) + offset), 1);
}

}  // namespace pollux::inline v0::detail
