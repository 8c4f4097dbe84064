// SPDX-License-Identifier: MIT
// Polling changes a future.
// expect: pollux: block_on: the future is const; polling changes it
#include "pollux/core/block_on.hpp"
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::ready(1);
    static_cast<void>(pollux::block_on(fut));
#if defined(MUST_NOT_COMPILE)
    const auto constant = pollux::ready(1);
    pollux::block_on(constant);
#endif
}
