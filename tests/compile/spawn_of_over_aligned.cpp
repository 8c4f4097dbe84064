// SPDX-License-Identifier: MIT
// The value of a task stands in its block.
// expect: pollux: spawn: an over-aligned value or error does not fit into a task; put it behind a std::unique_ptr
#include <memory>

#include "pollux/runtime.hpp"

struct alignas(128) wide {
    float numbers[32];
};

void program(pollux::runtime& rt) {
    rt.spawn([] { return std::make_unique<wide>(); }).detach();
#if defined(MUST_NOT_COMPILE)
    rt.spawn([] { return wide(); }).detach();
#endif
}
