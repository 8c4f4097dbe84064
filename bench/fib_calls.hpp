// SPDX-License-Identifier: MIT
// How many operations fib(N) is, for ours and for its peers.
#pragma once

#include <cstddef>

namespace bench {

/// The calls that fib(n) makes when each n from 2 on calls for n - 1 and n - 2, itself included.
constexpr std::size_t fib_calls(std::size_t n) {
    std::size_t before = 1, calls = 1;  // of n - 1 and of n
    for (std::size_t i = 1; i < n; ++i) {
        const std::size_t next = 1 + calls + before;
        before = calls;
        calls = next;
    }
    return calls;
}

}  // namespace bench
